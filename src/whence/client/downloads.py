"""Files on their way from the server: whole or not at all."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def arriving(path: Path) -> Generator[BinaryIO]:
    """A file to write into, which is given its name at the end of the block, and is gone if the block fails."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
