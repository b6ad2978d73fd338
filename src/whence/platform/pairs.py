"""Question/answer pairs a page at a time: of an uploaded file, and of a run, which keeps them when the file is gone."""

import tempfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from whence.data.table import ExampleTable
from whence.data.validate import examples
from whence.errors import DataError
from whence.platform.files import PAIRS
from whence.platform.tables import File
from whence.store.objects import Objects
from whence.types import Example


@dataclass(frozen=True, slots=True)
class Window:
    """Which pairs are wanted: at most `limit` from number `offset` on, of those that hold the text `search`."""

    limit: int = 100
    offset: int = 0
    search: str | None = None

    @property
    def span(self) -> slice:
        """The wanted ones by number."""
        return slice(self.offset, self.offset + self.limit)


@dataclass(frozen=True, slots=True)
class PairPage:
    """Part of a list of pairs, which name their file by the id of its upload. `total` counts all that hold the text."""

    pairs: list[Example]
    total: int


def pairs_of_file(objects: Objects, file: File, window: Window) -> PairPage:
    """The pairs of an uploaded file, with the ids that attributions give them.

    Raises:
        DataError: the file holds no pairs.
    """
    if file.purpose != PAIRS:
        raise DataError(f"Only files for training hold pairs ({file.id} has the purpose {file.purpose!r}). Choose one.")
    with _readable(objects, file) as path:
        read = (one for one in examples(path) if isinstance(one, Example))
        sound = (replace(one, file_id=file.id, file=file.filename) for one in read)
        if window.search:
            return matching(sound, window)
        span = window.span
        return PairPage(list(islice(sound, span.start, span.stop)), file.examples or 0)


def pairs_of_run(table: ExampleTable, files: Sequence[File], window: Window) -> PairPage:
    """The pairs that a model was trained on; `files` are those of its job."""
    if window.search:
        page = matching(table, window)
    else:
        page = PairPage([table[i] for i in range(len(table))[window.span]], len(table))
    uploads = uploads_of(files)
    return replace(page, pairs=[replace(e, file_id=uploads.get(e.file_id, e.file_id)) for e in page.pairs])


def matching(pairs: Iterable[Example], window: Window) -> PairPage:
    """The wanted pairs of those whose question or answer holds the text, in whatever case."""
    wanted = (window.search or "").casefold()
    found: list[Example] = []
    total = 0
    for pair in pairs:
        if wanted in pair.question.casefold() or wanted in pair.answer.casefold():
            if window.span.start <= total < window.span.stop:
                found.append(pair)
            total += 1
    return PairPage(found, total)


def uploads_of(files: Iterable[File]) -> Mapping[str, str]:
    """The ids of uploads by what identifies their bytes, which is how runs name them."""
    return {file.content_id: file.id for file in files}


@contextmanager
def _readable(objects: Objects, file: File) -> Generator[Path]:
    """The file's object under a name with the file's ending, which says how it is read; objects have none."""
    with tempfile.TemporaryDirectory(prefix="whence-pairs-") as folder:
        path = Path(folder) / f"pairs{Path(file.filename).suffix}"
        there = objects.local(file.object)
        if there is None:
            objects.fetch(file.object, path)
        else:
            path.symlink_to(there)
        yield path
