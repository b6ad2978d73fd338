"""A finished fine-tuning run on disk: the examples, the trained weights and the trace.

manifest.json   examples.arrow   trace/   adapter/ (after LoRA) or model/ (after our own full fine-tuning)
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.data.table import ExampleTable
from whence.errors import ArtifactError
from whence.gradients.trajectory import Trajectory
from whence.models.adapter import load_adapter
from whence.models.base import fingerprint, load, load_tokenizer, precision, resolve
from whence.store.artifact import Manifest, read_manifest
from whence.training.trace import read_checkpoints

KIND = "run"
EXAMPLES = "examples.arrow"
ADAPTER = "adapter"
FULL = "model"


@dataclass(frozen=True)
class Run:
    """A fine-tuned model with what made it."""

    folder: Path
    manifest: Manifest

    @staticmethod
    def open(folder: str | Path) -> "Run":
        """The finished run in a folder.

        Raises:
            ArtifactError: there is none.
        """
        path = Path(folder)
        return Run(path, read_manifest(path, KIND))

    @property
    def base_model(self) -> str:
        """The base model's name, folder or hub id, as it was given."""
        return str(self.manifest.config["base_model"])

    @property
    def full(self) -> bool:
        """Whether all weights were trained, rather than a LoRA adapter."""
        return bool(self.manifest.config["full"])

    @cached_property
    def base_folder(self) -> Path:
        """Where the base model lies; checked to be the one that was fine-tuned.

        Raises:
            ArtifactError: the base model has changed since.
        """
        folder = resolve(self.base_model)
        if fingerprint(folder) != self.manifest.inputs["base_model"]:
            raise ArtifactError(
                f"The base model {self.base_model} is not the one that {self.folder} was trained on: its files have "
                "changed. Put the old ones back, or fine-tune again into another folder."
            )
        return folder

    @cached_property
    def examples(self) -> ExampleTable:
        """The training examples, memory-mapped."""
        return ExampleTable.open(self.folder / EXAMPLES)

    @cached_property
    def trajectory(self) -> Trajectory:
        """The fine-tuned model in memory, with its recorded path."""
        model = load_base(self.base_folder, self.full)
        tokenizer: PreTrainedTokenizerBase = load_tokenizer(self.base_folder)
        tuned: Any = model if self.full else load_adapter(model, self.folder / ADAPTER)
        path = Trajectory(tuned.eval(), tokenizer, read_checkpoints(self.folder / "trace"))
        path.move_to(path.last)
        return path


def load_base(folder: Path, full: bool) -> PreTrainedModel:
    """The base model: float32 where all of it is trained, else in the fastest precision of this machine."""
    return load(folder, dtype=torch.float32 if full else precision())
