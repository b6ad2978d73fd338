"""A small wheel made in code, and pip set to find it without a network."""

import zipfile
from pathlib import Path

import pytest

PACKAGE, VERSION = "whence-test-wheel", "1.0"


def make_wheel(folder: Path, files: dict[str, bytes]) -> Path:
    """A wheel that pip accepts, holding `files` by their path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "whence_test_wheel-1.0-py3-none-any.whl"
    info = "whence_test_wheel-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def pip_finds_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip look nowhere but in `folder`."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
