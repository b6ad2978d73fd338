"""Uploaded files: checked line by line, then kept, and only then visible."""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from whence.errors import DataError, MissingError
from whence.platform.inspection import Inspected, inspect
from whence.platform.tables import File, new_id, now
from whence.store.objects import Objects

PAIRS = "fine-tune"
DOCUMENTS = "alignment"
TYPES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
DOCUMENT_TYPES = ["html", "md", "rst", "rtf", "txt", "xml", "json", "jsonl", "csv", "doc", "docx", "pdf", "ppt", "pptx"]
LONGEST_NAME = 255
REORDERING = "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that break a line, or show a name in another order than it has."""


@dataclass(frozen=True)
class Upload:
    """A file that has arrived in full, in a temporary place."""

    path: Path
    filename: str


def check_name(name: str) -> str:
    """The base name of a file as a person gave it, safe to show and to store.

    Raises:
        DataError: it is empty, too long, or has control characters or a path in it.
    """
    bad = "/" in name or "\\" in name or name in ("", ".", "..") or len(name.encode("utf-8", "replace")) > LONGEST_NAME
    if bad or any(unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") or c in REORDERING for c in name):
        shown = re.sub(r"[^ -~]", "?", name)[:80]
        raise DataError(
            f"A file's name must be 1 to {LONGEST_NAME} printable characters, no path (found {shown!r}). Rename it."
        )
    return name


def type_of(name: str, purpose: str) -> str:
    """The kind of a file by its ending.

    Raises:
        DataError: files of this purpose do not have that ending, or nothing has that purpose.
    """
    ending = Path(name).suffix.lower()
    if purpose == PAIRS:
        if ending in TYPES:
            return TYPES[ending]
        raise DataError(
            f"{name}: training data must end in {', '.join(TYPES)} (found {ending or 'no ending'}). Convert it."
        )
    if purpose == DOCUMENTS:
        if ending[1:] in DOCUMENT_TYPES:
            return ending[1:]
        raise DataError(f"{name}: documents must end in one of {', '.join(DOCUMENT_TYPES)}. Convert or rename it.")
    raise DataError(f"The purpose of a file must be {PAIRS!r} or {DOCUMENTS!r} (found {purpose!r}). Change it.")


def inspect_uploads(uploads: list[Upload], purpose: str) -> list[Inspected]:
    """Return what each upload holds, read to its end.

    Raises:
        DataError: one of them breaks a rule; nothing has been kept then.
    """
    found: list[Inspected] = []
    for upload in uploads:
        kind = type_of(check_name(upload.filename), purpose)
        found.append(inspect(upload.path, upload.filename, kind, pairs=purpose == PAIRS))
    return found


def keep(session: Session, objects: Objects, team: int, upload: Upload, purpose: str, seen: Inspected) -> File:
    """Keep an inspected upload; it is visible once the session ends."""
    identity = new_id("file")
    objects.put(identity, upload.path)
    file = File(
        id=identity,
        team_id=team,
        filename=upload.filename,
        purpose=purpose,
        type=type_of(upload.filename, purpose),
        bytes=upload.path.stat().st_size,
        sha256=seen.sha256,
        content_id=seen.content_id,
        examples=seen.examples,
        object=identity,
    )
    session.add(file)
    session.flush()
    return file


def list_files(session: Session, team: int, purpose: str | None = None) -> list[File]:
    """The team's files that were not deleted, the newest first."""
    wanted = select(File).where(File.team_id == team, File.deleted_at.is_(None))
    if purpose:
        wanted = wanted.where(File.purpose == purpose)
    return list(session.scalars(wanted.order_by(File.created_at.desc(), File.id)))


def get_file(session: Session, team: int, identity: str, deleted: bool = False) -> File:
    """A file of the team.

    Raises:
        MissingError: it has none of that id.
    """
    file = session.get(File, identity)
    if file is None or file.team_id != team or (file.deleted_at is not None and not deleted):
        raise MissingError(f"No file {identity!r} exists for your user.")
    return file


def rename_file(session: Session, team: int, identity: str, name: str) -> File:
    """The file under its new name; its ending has to stay of the same kind."""
    file = get_file(session, team, identity)
    kind = type_of(check_name(name), file.purpose)
    if kind != file.type:
        raise DataError(f"A file's ending must stay that of a {file.type} file (found {name!r}). Keep it.")
    file.filename = name
    return file


def delete_file(session: Session, objects: Objects, team: int, identity: str) -> File:
    """The file, which is gone from now on. What models learned from it stays with their runs."""
    file = get_file(session, team, identity)
    file.deleted_at = now()
    objects.remove(file.object)
    return file


def is_file_id(text: str) -> bool:
    """True if a text has the form of a file id."""
    try:
        return text.startswith("file-") and bool(UUID(text.removeprefix("file-")))
    except ValueError:
        return False
