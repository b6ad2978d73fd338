"""Stable ids: of a file by its bytes, of an example by its file, place and content."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid5

from whence.store.artifact import hash_file
from whence.types import Message, Tokens

NAMESPACE = UUID("f7004ad6-788c-4e7c-a48c-fc9c3dad5432")
"""The namespace of all of Whence's name-based UUIDs. It must never change."""

Content = Sequence[Message] | Tokens


def file_id(path: Path) -> str:
    """Return the id of a file: a UUIDv5 of the SHA-256 of its bytes, independent of its name."""
    return file_id_of(hash_file(path))


def file_id_of(sha256: str) -> str:
    """Return the id of a file from the SHA-256 of its bytes, in hexadecimal."""
    return str(uuid5(NAMESPACE, f"file {sha256}"))


def hub_id(source: str, revision: str) -> str:
    """Return the id of a split of a data set on the hub at one revision."""
    return str(uuid5(NAMESPACE, f"{source}@{revision}"))


def example_id(file_id: str, line: int, turn: int, content: Content) -> str:
    """Return the id of an example: a UUIDv5 of its file's id, line, turn and content."""
    return str(uuid5(NAMESPACE, f"example {file_id} {line} {turn} {canonical(content)}"))


def content_key(content: Content) -> bytes:
    """Return 16 bytes that are equal for equal content, independent of its place."""
    return hashlib.blake2b(canonical(content).encode("ascii"), digest_size=16).digest()


def canonical(content: Content) -> str:
    """Return content as ASCII text that is equal only for equal content."""
    if isinstance(content, Tokens):
        plain: object = {"input_ids": content.input_ids, "labels": content.labels}
    else:
        plain = [[message.role, message.content] for message in content]
    return json.dumps(plain, separators=(",", ":"))
