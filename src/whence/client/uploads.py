"""Files on their way to the server: a multipart body that is read from disk as it is sent."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from whence.client.errors import InvalidCall
from whence.types import Progress, Report, silent

Part = tuple[str, tuple[str, FileIO, str]]
"""A file part as httpx takes it: field, then file name, content and media type."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Files to send, the form field `purpose` beside them, and where the bytes sent are reported to."""

    paths: tuple[Path, ...]
    purpose: str
    report: Report = silent

    @staticmethod
    def of(paths: Sequence[str | Path], purpose: str, report: Report = silent) -> "Upload":
        """An upload of files that are there. Raises `InvalidCall` otherwise."""
        found = tuple(Path(path).expanduser() for path in paths)
        missing = [str(path) for path in found if not path.is_file()]
        if missing or not found:
            raise InvalidCall(
                f"An upload takes files that exist (found {', '.join(missing) or 'none'}). Check the path."
            )
        return Upload(found, purpose, report)

    @contextmanager
    def parts(self) -> Generator[list[Part]]:
        """The file parts, open for the length of a block."""
        with ExitStack() as files:
            yield [self._part(files.enter_context(WatchedFile(path, self.report))) for path in self.paths]

    @staticmethod
    def _part(file: "WatchedFile") -> Part:
        return "files", (file.path.name, file, "application/octet-stream")


class WatchedFile(FileIO):
    """A file that reports how much of it has been read."""

    def __init__(self, path: Path, report: Report) -> None:
        super().__init__(path, "r")
        self.path = path
        self.report = report
        self.size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, at most `size`; empty at the end."""
        data = super().read(-1 if size is None else size)
        if data:
            self.report(Progress(f"upload {self.path.name}", self.tell(), self.size, "bytes"))
        return data or b""
