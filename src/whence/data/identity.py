"""Names that stay the same: of a file by its bytes, of an example by its file, place and content."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid5

from whence.store.artifact import hash_file
from whence.types import Message, Tokens

NAMESPACE = UUID("f7004ad6-788c-4e7c-a48c-fc9c3dad5432")
"""The UUID that all of Whence's name-based ids are made under. It must never change."""

Content = Sequence[Message] | Tokens


def file_id(path: Path) -> str:
    """The id of a file: a UUIDv5 of the SHA-256 of its bytes, whatever its name."""
    return file_id_of(hash_file(path))


def file_id_of(sha256: str) -> str:
    """The id of a file by the SHA-256 of its bytes, in hexadecimal."""
    return str(uuid5(NAMESPACE, f"file {sha256}"))


def hub_id(source: str, revision: str) -> str:
    """The id of a split of a data set of a hub at one revision."""
    return str(uuid5(NAMESPACE, f"{source}@{revision}"))


def example_id(file_id: str, line: int, turn: int, content: Content) -> str:
    """The id of an example: a UUIDv5 of its file's id, line, turn and content."""
    return str(uuid5(NAMESPACE, f"example {file_id} {line} {turn} {canonical(content)}"))


def content_key(content: Content) -> bytes:
    """16 bytes that are equal for equal content, wherever it stands."""
    return hashlib.blake2b(canonical(content).encode("ascii"), digest_size=16).digest()


def canonical(content: Content) -> str:
    """Content as ASCII text that differs wherever the content does."""
    if isinstance(content, Tokens):
        plain: object = {"input_ids": content.input_ids, "labels": content.labels}
    else:
        plain = [[message.role, message.content] for message in content]
    return json.dumps(plain, separators=(",", ":"))
