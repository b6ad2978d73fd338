"""Training files on the server."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from whence.client.bars import Shown, shown
from whence.client.calls import Call, Steps, destination, given, segment
from whence.client.pairs import Pair
from whence.client.records import Page, brief, moments, record
from whence.client.resource import D_co, Resource, Sent
from whence.client.uploads import Upload

ROOT = "/v1/flow/files"


@dataclass(frozen=True, slots=True, repr=False)
class FileInfo:
    """A file on the server. `examples` counts its pairs (None where it holds none, or they were not counted)."""

    id: str
    filename: str = ""
    bytes: int | None = None
    purpose: str | None = None
    type: str | None = None
    created_at: datetime | None = None
    examples: int | None = None
    sha256: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "FileInfo":
        """A file out of its JSON object."""
        return record(FileInfo, data, **moments(data, "created_at"))

    def __repr__(self) -> str:
        size = None if self.bytes is None else f"{self.bytes:,} bytes"
        pairs = None if self.examples is None else f"{self.examples:,} pairs"
        return brief(f"FileInfo {self.id}", self.filename, size, pairs)


@dataclass(frozen=True, slots=True)
class FileDeleted:
    """A file that is gone; `note` says what is kept of it, where a model was trained on it."""

    id: str
    note: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "FileDeleted":
        """What is left of a file, out of its JSON object."""
        return record(FileDeleted, data)


def _all(answer: Any) -> tuple[FileInfo, ...]:
    return tuple(map(FileInfo.of, answer))


def upload(path: str | Path, purpose: str = "fine-tune", progress: Shown = False) -> Steps[FileInfo]:
    """The file, uploaded. It is read from disk as it is sent. `progress` draws a bar, or tells a `Report`.

    Raises `BadRequest` where the server finds a bad line in it, `TooLarge` where it is over the server's limit.
    """
    with shown(progress) as report:
        return (yield from Call("PUT", ROOT, FileInfo.of, upload=Upload.of([path], purpose, report)))


def bulk_upload(
    paths: Sequence[str | Path], purpose: str = "fine-tune", progress: Shown = False
) -> Steps[tuple[FileInfo, ...]]:
    """The files, uploaded in one request, in the order of `paths`."""
    with shown(progress) as report:
        return (yield from Call("PUT", "/v1/flow/bulk_files", _all, upload=Upload.of(paths, purpose, report)))


def listing(
    limit: int | None = None,
    offset: int | None = None,
    sort_by: str | None = None,
    sort_order: str | None = None,
    purpose: str | None = None,
) -> Call[Page[FileInfo]]:
    """The files. `sort_by` is created_at, filename, type or size; `sort_order` asc or desc."""
    query = given(limit=limit, offset=offset, sort_by=sort_by, sort_order=sort_order, purpose=purpose)
    return Call("GET", ROOT, Page.of(FileInfo.of), query=query)


def retrieve(id: str) -> Call[FileInfo]:
    """The file with this id."""
    return Call("GET", f"{ROOT}/{segment(id)}", FileInfo.of)


def content(id: str, out: str | Path) -> Call[Path]:
    """The path `out`, where the file's bytes are now."""
    return Call("GET", f"{ROOT}/{segment(id)}/content", Path, save=destination(out))


def rename(id: str, new: str) -> Call[FileInfo]:
    """The file under its new name."""
    return Call("PUT", f"{ROOT}/{segment(id)}/rename", FileInfo.of, body={"new_filename": new})


def delete(id: str) -> Call[FileDeleted]:
    """What is left of the file, which is gone."""
    return Call("DELETE", f"{ROOT}/{segment(id)}", FileDeleted.of)


def pairs(id: str, limit: int | None = None, offset: int | None = None, search: str | None = None) -> Call[Page[Pair]]:
    """The file's pairs, in its order; with `search`, those that hold this text."""
    query = given(limit=limit, offset=offset, search=search)
    return Call("GET", f"/v1/whence/files/{segment(id)}/pairs", Page.of(Pair.of), query=query)


class Files(Resource[D_co]):
    """`client.files`."""

    upload = Sent(upload)
    bulk_upload = Sent(bulk_upload)
    list = Sent(listing)
    retrieve = Sent(retrieve)
    content = Sent(content)
    rename = Sent(rename)
    delete = Sent(delete)
    pairs = Sent(pairs)
