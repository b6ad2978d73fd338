"""The index that a command asks for, or an error that names the command which builds it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from whence.errors import ArtifactError

if TYPE_CHECKING:
    from whence.pipeline import Index


def open_index(run: Path, method: str | None) -> "Index":
    """The index of a run. Builds nothing.

    Raises:
        ArtifactError: there is no such run or index.
    """
    from whence.methods.registry import method_named
    from whence.pipeline import Index, index_folder
    from whence.store.artifact import MANIFEST
    from whence.training.run import Run

    if not (run / MANIFEST).is_file():
        raise ArtifactError(
            f"{run} holds no finished run. Make one with: whence train FILE --out {shlex.quote(str(run))}"
        )
    opened = Run.open(run)
    if method and not (index_folder(opened, method_named(method).name) / MANIFEST).is_file():
        command = shlex.join(["whence", "index", str(run), "--method", method])
        raise ArtifactError(f"{run} has no {method} index. Build it with: {command}")
    return Index.open(opened, method)
