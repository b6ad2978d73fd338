"""Question/answer pairs a page at a time: of an uploaded file, and of a run, which keeps them when the file is gone."""

import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

from whence.data.metadata import metadata
from whence.data.read import count
from whence.data.table import ExampleTable
from whence.data.validate import with_records
from whence.errors import DataError, Fault, MissingError
from whence.platform.files import PAIRS
from whence.platform.tables import File
from whence.store.objects import Objects
from whence.types import Example

T = TypeVar("T")
FAR = 64 << 20
"""Bytes of the largest file that is fetched from elsewhere for what the lines of a run's pairs say besides."""


@dataclass(frozen=True, slots=True)
class Window:
    """A page of pairs: at most `limit` from number `offset` on, of those that contain the text `search`."""

    limit: int = 100
    offset: int = 0
    search: str | None = None

    @property
    def span(self) -> slice:
        """The wanted ones by number."""
        return slice(self.offset, self.offset + self.limit)


Besides = Mapping[str, Mapping[str, Any]]
"""What the lines of pairs say besides the pairs, by the pairs' ids."""


@dataclass(frozen=True, slots=True)
class PairPage:
    """Part of a list of pairs, which name their file by the id of its upload. `total` counts all that hold the text."""

    pairs: list[Example]
    total: int
    besides: Besides = field(default_factory=dict[str, Mapping[str, Any]])


@dataclass(frozen=True, slots=True)
class PairInPlace:
    """A pair, those right before and after it in its file, and what their lines say besides."""

    pair: Example
    neighbours: list[Example]
    besides: Besides


def pairs_of_file(objects: Objects, file: File, window: Window) -> PairPage:
    """The pairs of an uploaded file, with the ids that attributions give them.

    Raises:
        DataError: the file holds no pairs.
    """
    if file.purpose != PAIRS:
        raise DataError(f"Only training files hold pairs ({file.id} has the purpose {file.purpose!r}). Choose one.")
    with readable(objects, file) as path:
        if window.search:
            said = saying(window.search)
            sound = (one for one in with_records(path, like=said) if not isinstance(one, Fault))
            found, total = matching(sound, window, lambda one: one[0])
        else:
            # Where each record has one pair, those before the window need not be read.
            skip = window.offset if window.offset and count(path) == file.examples else 0
            read = with_records(path, lambda number, _: number >= skip)
            sound = (one for one in read if not isinstance(one, Fault))
            found = list(islice(sound, window.offset - skip, window.offset - skip + window.limit))
            total = file.examples or 0
    pairs = [replace(one, file_id=file.id, file=file.filename) for one, _ in found]
    return PairPage(pairs, total, {one.id: metadata(record) for one, record in found})


def pairs_of_run(objects: Objects, table: ExampleTable, files: Sequence[File], window: Window) -> PairPage:
    """The pairs that a model was trained on; `files` are those of its job. A deleted file's pairs are still there, but
    not what its lines said besides."""
    if window.search:
        found, total = matching(table, window, lambda one: one)
    else:
        found, total = [table[i] for i in range(len(table))[window.span]], len(table)
    return PairPage(with_upload_ids(found, files), total, _besides(objects, files, found))


def pair_of_run(objects: Objects, table: ExampleTable, files: Sequence[File], identity: str) -> PairInPlace:
    """A pair that a model was trained on, where it stands.

    Raises:
        MissingError: the model was trained on no such pair.
    """
    try:
        place = table.ids().index(identity)
    except ValueError:
        raise MissingError(f"The model was trained on no pair {identity[:80]!r}.") from None
    around = [i for i in (place - 1, place, place + 1) if 0 <= i < len(table)]
    found = [table[i] for i in around]
    found = [one for one in found if one.file_id == table[place].file_id]
    pair, *_ = [one for one in with_upload_ids(found, files) if one.id == identity]
    others = [one for one in with_upload_ids(found, files) if one.id != identity]
    return PairInPlace(pair, others, _besides(objects, files, found))


def saying(text: str) -> Callable[[object], bool]:
    """True if a record may contain a text, ignoring case: a quick check before its pairs are built."""
    wanted = text.casefold()
    if "\n" in wanted:
        return lambda _: True  # it may lie across two values, which a pair joins

    def holds(value: object) -> bool:
        if isinstance(value, str):
            return wanted in value.casefold() or "\\" in value  # escaped, in a cell that holds JSON
        if isinstance(value, dict):
            return any(holds(one) for one in cast(dict[str, object], value).values())
        return isinstance(value, list) and any(holds(one) for one in cast(list[object], value))

    return holds


def matching(pairs: Iterable[T], window: Window, pair_of: Callable[[T], Example]) -> tuple[list[T], int]:
    """Return the page of pairs whose question or answer contains the text, ignoring case, and their number."""
    wanted = (window.search or "").casefold()
    found: list[T] = []
    total = 0
    for one in pairs:
        pair = pair_of(one)
        if wanted in pair.question.casefold() or wanted in pair.answer.casefold():
            if window.span.start <= total < window.span.stop:
                found.append(one)
            total += 1
    return found, total


def with_upload_ids(found: T, files: Iterable[File]) -> T:
    """The same dataclass, or list of them, with the ids of uploads at any depth: runs name a file by its bytes, callers
    by its upload. Files that are not among `files` keep their ids."""
    return _renamed(found, {file.content_id: file.id for file in files})


def _renamed(value: Any, uploads: Mapping[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_renamed(item, uploads) for item in cast(Sequence[Any], value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    own = {item.name: getattr(value, item.name) for item in fields(value) if item.init}
    changed = {name: _renamed(item, uploads) for name, item in own.items() if isinstance(item, list | tuple)}
    if "file_id" in own:
        changed["file_id"] = uploads.get(own["file_id"], own["file_id"])
    return replace(value, **changed)


def _besides(objects: Objects, files: Sequence[File], pairs: Sequence[Example]) -> Besides:
    found: dict[str, Mapping[str, Any]] = {}
    for file in files:
        wanted = [one for one in pairs if one.file_id == file.content_id]
        far = objects.local(file.object) is None and file.bytes > FAR
        if wanted and file.deleted_at is None and not far:
            with suppress(DataError, OSError):  # deleted this moment
                found.update(_read(objects, file, wanted))
    return found


def _read(objects: Objects, file: File, wanted: Sequence[Example]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    left = {one.id for one in wanted}
    lines = {one.line for one in wanted}
    with readable(objects, file) as path:
        for one in with_records(path, lambda _, line: line in lines):
            if not isinstance(one, Fault) and one[0].id in left:
                left.remove(one[0].id)
                yield one[0].id, metadata(one[1])
            if not left:
                return


@contextmanager
def readable(objects: Objects, file: File) -> Generator[Path]:
    """The file's object under a name with the file's ending, which says how it is read; objects have none."""
    with tempfile.TemporaryDirectory(prefix="whence-pairs-") as folder:
        path = Path(folder) / f"pairs{Path(file.filename).suffix}"
        there = objects.local(file.object)
        if there is None:
            objects.fetch(file.object, path)
        else:
            path.symlink_to(there)
        yield path
