"""Uploads on their way from a request to a visible file."""

import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fastapi import UploadFile

from whence.api.service import Service
from whence.errors import DataError, TooLargeError
from whence.platform.files import Upload, check_name, inspect_uploads, keep
from whence.platform.tables import File

PIECE = 1 << 20


def take_in(service: Service, team: int, parts: Sequence[UploadFile], purpose: str, largest: int) -> list[File]:
    """The uploaded files, visible from now on. If one of them is faulty none is kept.

    Raises:
        DataError: a file breaks a rule.
        TooLargeError: a file is over the limit.
    """
    if not parts:
        raise DataError("An upload needs at least one file in the form field `files`. Add one.")
    with landed(parts, largest) as uploads:
        seen = inspect_uploads(uploads, purpose)
        with service.database.session() as session:
            found = zip(uploads, seen, strict=True)
            return [keep(session, service.objects, team, upload, purpose, facts) for upload, facts in found]


@contextmanager
def landed(parts: Sequence[UploadFile], largest: int) -> Generator[list[Upload]]:
    """The parts as files on this machine, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="whence-upload-") as folder:
        yield [_land(Path(folder), number, part, largest) for number, part in enumerate(parts)]


def _land(folder: Path, number: int, part: UploadFile, largest: int) -> Upload:
    name = check_name(base_name(part.filename or ""))
    path = folder / f"{number}{Path(name).suffix.lower()[:16]}"
    with path.open("wb") as target:
        shutil.copyfileobj(part.file, target, PIECE)
    if path.stat().st_size > largest:
        raise TooLargeError(f"{name}: a file must not be larger than {largest:,} bytes. Split it.")
    return Upload(path, name)


def base_name(given: str) -> str:
    """The last part of a name as browsers and clients send it; some send the whole path."""
    return given.replace("\\", "/").rpartition("/")[2]
