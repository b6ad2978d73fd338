"""New versions of uploaded files: pairs left out, edited, added. The old version stays as it was."""

import re
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from whence.data.revise import Changes, revise
from whence.errors import DataError
from whence.platform.files import PAIRS, Upload, check_name, inspect_uploads, keep, type_of
from whence.platform.inspection import Inspected
from whence.platform.pairs import readable
from whence.platform.tables import File
from whence.store.objects import Objects


@contextmanager
def revised(objects: Objects, file: File, changes: Changes, name: str) -> Generator[tuple[Upload, Inspected]]:
    """The file with these changes on this machine, inspected as an upload is; gone when the block ends.

    Raises:
        DataError: the file holds no pairs, the name cannot be that of such a file, or a change cannot be made.
    """
    if file.purpose != PAIRS:
        raise DataError(f"Only training files hold pairs ({file.id} has the purpose {file.purpose!r}). Choose one.")
    if type_of(check_name(name), PAIRS) != file.type:
        raise DataError(f"A new version must be a {file.type} file (found {name!r}). Keep the ending.")
    with tempfile.TemporaryDirectory(prefix="whence-revision-") as folder:
        upload = Upload(Path(folder) / f"0{Path(file.filename).suffix.lower()}", name)
        with readable(objects, file) as source:
            revise(source, upload.path, changes)
        (seen,) = inspect_uploads([upload], PAIRS)
        yield upload, seen


def keep_version(
    session: Session, objects: Objects, file: File, changes: Changes, upload: Upload, seen: Inspected
) -> File:
    """Keep a changed file as a new version of this one; it is visible once the session ends."""
    made = keep(session, objects, file.team_id, upload, PAIRS, seen)
    made.origin_file_id = file.id
    made.changes = {"excluded": len(changes.exclude), "edited": len(changes.edits), "added": len(changes.add)}
    session.flush()
    return made


def versions_of(session: Session, file: File) -> list[File]:
    """All versions of the data that a file is one of, the oldest first, deleted ones among them."""
    while file.origin_file_id is not None:
        file = session.get_one(File, file.origin_file_id)
    found = [file]
    for one in found:  # which grows meanwhile
        found.extend(session.scalars(select(File).where(File.origin_file_id == one.id)))
    return sorted(found, key=lambda one: (one.created_at, one.id))


def next_name(session: Session, file: File) -> str:
    """The default name of a file's next version: `faq.jsonl`, `faq-v2.jsonl`, `faq-v3.jsonl`, …"""
    name = Path(file.filename)
    stem = re.sub(r"-v\d+$", "", name.stem)
    return f"{stem}-v{len(versions_of(session, file)) + 1}{name.suffix}"
