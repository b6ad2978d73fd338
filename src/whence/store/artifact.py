"""A finished stage on disk: a folder with a `manifest.json`, written to `<name>.part` and then renamed.

Does not know the contents of the folder.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from whence.errors import ArtifactError

MANIFEST = "manifest.json"
PACKAGES = ("whence", "torch", "transformers", "peft", "numpy", "safetensors")


@dataclass(frozen=True)
class Manifest:
    """The origin of an artifact.

    `config` replays the stage, `inputs` maps each input's name to its hash; together they identify the
    artifact. `facts` are results that can be read without opening the rest (shapes, dtypes, counts).
    """

    kind: str
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    versions: Mapping[str, str] = field(default_factory=lambda: versions())

    @property
    def key(self) -> str:
        """Hash of kind, configuration and inputs: equal keys mean the same artifact."""
        same = {"kind": self.kind, "config": self.config, "inputs": self.inputs}
        return hashlib.sha256(json.dumps(same, sort_keys=True, default=str).encode()).hexdigest()


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that affect a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def read_manifest(folder: Path, kind: str) -> Manifest:
    """The manifest of a finished artifact of this kind.

    Raises:
        ArtifactError: there is none, or one of another kind.
    """
    path = folder / MANIFEST
    if not path.is_file():
        part = part_of(folder)
        hint = "It was not finished: run the same command again to resume." if part.exists() else "Create it first."
        raise ArtifactError(f"{folder} is not a finished {kind}: it has no {MANIFEST}. {hint}")
    try:
        raw = json.loads(path.read_text("utf-8"))
        found = Manifest(**{name: raw[name] for name in Manifest.__dataclass_fields__})
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged ({error!r}). Remove {folder} and create it again.") from error
    if found.kind != kind:
        raise ArtifactError(f"{folder} must hold {_a(kind)} but holds {_a(found.kind)}. Name another folder.")
    return found


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def part_of(folder: Path) -> Path:
    """The folder in which an artifact is made."""
    return folder.with_name(folder.name + ".part")


def finished(folder: Path, wanted: Manifest) -> bool:
    """Return True if `folder` already holds exactly this artifact.

    Raises:
        ArtifactError: the folder holds something else, which is never overwritten.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    if not (folder / MANIFEST).is_file():
        raise ArtifactError(f"{folder} exists but holds no {wanted.kind}. Choose another folder, or remove this one.")
    found = read_manifest(folder, wanted.kind)
    if found.key == wanted.key:
        return True
    changed = ", ".join(differences(found, wanted)) or "inputs"
    raise ArtifactError(
        f"{folder} already holds {_a(wanted.kind)} made with another {changed}. "
        "Choose another folder, or remove this one to create it again."
    )


def differences(one: Manifest, other: Manifest) -> list[str]:
    """The names of the settings and inputs in which two artifacts differ."""
    pairs = ((one.config, other.config), (one.inputs, other.inputs))
    return sorted({name for a, b in pairs for name, _ in _stored(a) ^ _stored(b)})


def _stored(settings: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Settings as stored in a manifest: a tuple is read back as a list."""
    return {(name, json.dumps(value, sort_keys=True, default=str)) for name, value in settings.items()}


def make(folder: Path, wanted: Manifest, work: Callable[[Path], Mapping[str, Any]]) -> Manifest:
    """Make an artifact, or return the existing one.

    `work(part)` fills the `.part` folder and returns the facts. A `.part` folder left by a killed process with
    the same key is passed to `work` as it is, to be resumed; one with another key is deleted first.
    """
    if finished(folder, wanted):
        return read_manifest(folder, wanted.kind)
    part = part_of(folder)
    begun = part / "begun.json"
    if part.exists() and not (begun.is_file() and begun.read_text("utf-8") == wanted.key):
        shutil.rmtree(part)
    part.mkdir(parents=True, exist_ok=True)
    begun.write_text(wanted.key, "utf-8")
    facts = work(part)
    manifest = Manifest(wanted.kind, wanted.config, wanted.inputs, facts)
    write_json(part / MANIFEST, asdict(manifest))
    os.replace(part, folder)
    (folder / begun.name).unlink()
    return manifest


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically: a reader sees all of it or nothing."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=2, default=str) + "\n", "utf-8")
    os.replace(temporary, path)


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
