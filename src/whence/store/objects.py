"""Named files in a local folder or in any store that fsspec supports."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec.core import url_to_fs  # pyright: ignore[reportUnknownVariableType]
from fsspec.implementations.local import LocalFileSystem

PIECE = 1 << 20
PART = ".part"


@dataclass(frozen=True)
class Objects:
    """An object store. `root` is a path within `system`, an fsspec file system."""

    system: Any
    root: str

    @staticmethod
    def at(url: str) -> "Objects":
        """The store at a folder or a URL such as `s3://bucket/prefix`."""
        system, root = cast(tuple[Any, str], url_to_fs(url))
        return Objects(system, root.rstrip("/"))

    def put(self, name: str, source: Path) -> None:
        """Store a local file under `name`; it appears there whole or not at all."""
        part = self._path(f"{name}.part")
        self.system.makedirs(self.root, exist_ok=True)
        try:
            with source.open("rb") as read, self.system.open(part, "wb") as write:
                shutil.copyfileobj(read, write, PIECE)
            self.system.mv(part, self._path(name))
        except BaseException:
            self.remove(f"{name}.part")
            raise

    def fetch(self, name: str, target: Path) -> None:
        """Copy an object to a local file."""
        part = target.with_name(PART)  # the target's name may already have the maximum length
        with self.open(name) as read, part.open("wb") as write:
            shutil.copyfileobj(read, write, PIECE)
        part.replace(target)

    def local(self, name: str) -> Path | None:
        """The path of an object on this machine; None if the store is remote."""
        return Path(self._path(name)) if isinstance(self.system, LocalFileSystem) else None

    def open(self, name: str) -> BinaryIO:
        """Open an object for reading."""
        return cast(BinaryIO, self.system.open(self._path(name), "rb"))

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield an object's bytes, piece by piece."""
        with self.open(name) as file:
            while piece := file.read(PIECE):
                yield piece

    def remove(self, name: str) -> None:
        """Remove an object, if it exists."""
        if self.system.exists(self._path(name)):
            self.system.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"
