"""Training files on the server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from whence.client.bars import Shown, shown
from whence.client.calls import Call, Steps, destination, given, segment
from whence.client.pairs import Pair
from whence.client.records import Page, brief, moments, record
from whence.client.resource import D_co, Method, Resource
from whence.client.uploads import Upload

ROOT = "/v1/flow/files"
OWN = "/v1/whence/files"


@dataclass(frozen=True, slots=True, repr=False)
class FileInfo:
    """A file on the server. `examples` counts its pairs (None where it holds none, or they were not counted);
    `origin_file_id` is the file that it is a new version of."""

    id: str
    filename: str = ""
    bytes: int | None = None
    purpose: str | None = None
    type: str | None = None
    created_at: datetime | None = None
    examples: int | None = None
    sha256: str | None = None
    origin_file_id: str | None = None
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
        """The record of a deleted file, from its JSON object."""
        return record(FileDeleted, data)


@dataclass(frozen=True, slots=True, repr=False)
class FileCheck:
    """The check of a file that was not uploaded. `problems` and `duplicates` are as the server tells them; `sample` has
    the first pairs, `question_chars` and `answer_chars` are means."""

    filename: str = ""
    bytes: int | None = None
    lines: int = 0
    pairs: int = 0
    problems: tuple[dict[str, Any], ...] = ()
    problems_total: int = 0
    duplicates: tuple[dict[str, Any], ...] = ()
    question_chars: float = 0.0
    answer_chars: float = 0.0
    sample: tuple[Pair, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "FileCheck":
        """A check out of its JSON object."""
        lists = {name: tuple(data.get(name) or ()) for name in ("problems", "duplicates")}
        return record(FileCheck, data, sample=tuple(map(Pair.of, data.get("sample") or ())), **lists)

    def __repr__(self) -> str:
        return brief(f"FileCheck {self.filename}", f"{self.pairs:,} pairs", f"{self.problems_total:,} problems")


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
    """The record of the deleted file."""
    return Call("DELETE", f"{ROOT}/{segment(id)}", FileDeleted.of)


def pairs(id: str, limit: int | None = None, offset: int | None = None, search: str | None = None) -> Call[Page[Pair]]:
    """The file's pairs, in its order; with `search`, those that hold this text."""
    query = given(limit=limit, offset=offset, search=search)
    return Call("GET", f"{OWN}/{segment(id)}/pairs", Page.of(Pair.of), query=query)


def check(path: str | Path, progress: Shown = False) -> Steps[FileCheck]:
    """The contents of the file and all of its problems. Nothing is kept."""
    with shown(progress) as report:
        upload = Upload.of([path], "fine-tune", report)
        return (yield from Call("POST", f"{OWN}/check", FileCheck.of, upload=upload))


def revise(
    id: str,
    exclude: Sequence[str] = (),
    edit: Mapping[str, tuple[str, str]] | None = None,
    add: Sequence[tuple[str, str]] = (),
    name: str | None = None,
) -> Call[FileInfo]:
    """The new version of the file: without the pairs `exclude`, by their ids; with `edit`, a question and an answer for
    the id of each edited pair; and with the pairs `add` at its end. The old one stays as it is."""
    body = {
        "exclude": list(exclude),
        "edit": [{"id": pair, "question": q, "answer": a} for pair, (q, a) in (edit or {}).items()],
        "add": [{"question": q, "answer": a} for q, a in add],
        **given(name=name),
    }
    return Call("POST", f"{OWN}/{segment(id)}/revisions", FileInfo.of, body=body)


def revisions(id: str) -> Call[Page[FileInfo]]:
    """The versions of the file, the oldest first; `extra` of each counts what was changed."""
    return Call("GET", f"{OWN}/{segment(id)}/revisions", Page.of(FileInfo.of))


class Files(Resource[D_co]):
    """`client.files`."""

    upload = Method(upload)
    bulk_upload = Method(bulk_upload)
    list = Method(listing)
    retrieve = Method(retrieve)
    content = Method(content)
    rename = Method(rename)
    delete = Method(delete)
    pairs = Method(pairs)
    check = Method(check)
    revise = Method(revise)
    revisions = Method(revisions)
