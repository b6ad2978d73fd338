"""Opening the index that a command needs, with errors that name the command to build it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from whence.errors import ArtifactError

if TYPE_CHECKING:
    from whence.pipeline import Index


def open_index(run: Path, method: str | None) -> "Index":
    """Open the index of a run; builds nothing.

    Raises:
        ArtifactError: the run or index does not exist.
    """
    from whence.methods.registry import method_named
    from whence.pipeline import Index, index_folder
    from whence.store.artifact import MANIFEST
    from whence.training.run import Run

    if not (run / MANIFEST).is_file():
        raise ArtifactError(
            f"{run} holds no finished run. Create one with: whence train FILE --out {shlex.quote(str(run))}"
        )
    opened = Run.open(run)
    if method and not (index_folder(opened, method_named(method).name) / MANIFEST).is_file():
        command = shlex.join(["whence", "index", str(run), "--method", method])
        raise ArtifactError(f"{run} has no {method} index. Build it with: {command}")
    return Index.open(opened, method)
