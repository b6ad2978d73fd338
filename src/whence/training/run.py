"""A finished fine-tuning run on disk: the examples, the trained weights and the trace.

manifest.json   examples.arrow   trace/   adapter/ (after LoRA) or model/ (after our own full fine-tuning)
finished/ (if the trace is that of a stand-in: the model that answers)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.data.table import ExampleTable
from whence.data.validate import Source, source_id
from whence.errors import ArtifactError, ModelError
from whence.gradients.trajectory import Step, Trajectory
from whence.models.adapter import load_adapter, save_adapter
from whence.models.base import fingerprint, load, load_tokenizer, precision, resolve
from whence.models.quiet import quiet
from whence.settings import runs
from whence.store.artifact import Manifest, read_manifest
from whence.training.trace import read_checkpoints, read_point, read_steps

KIND = "run"
EXAMPLES = "examples.arrow"
ADAPTER = "adapter"
FULL = "model"
FINISHED = "finished"
"""The folder of the answering model's weights, if the trace is that of a stand-in."""


@dataclass(frozen=True)
class Run:
    """A fine-tuned model with its examples and its trace."""

    folder: Path
    manifest: Manifest

    @staticmethod
    def open(folder: str | Path) -> "Run":
        """Open the finished run in a folder.

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
        """True if all weights were trained instead of a LoRA adapter."""
        return bool(self.manifest.config["full"])

    @property
    def like(self) -> Path | None:
        """The folder of the adapter whose form a retraining takes, if the recipe does not determine it."""
        return self.folder / ADAPTER if self.stood_in and not self.full else None

    @property
    def stood_in(self) -> bool:
        """True if the trajectory is that of a stand-in, so that retrainings follow its recipe and not the model's
        own."""
        return bool(self.manifest.config.get("stand_in"))

    @cached_property
    def base_folder(self) -> Path:
        """The folder of the base model, checked to be the one that was fine-tuned.

        Raises:
            ArtifactError: the base model has changed since.
        """
        folder = resolve(self.base_model)
        self.require_base(fingerprint(folder))
        return folder

    def require_base(self, found: str) -> None:
        """Raise unless `found` is the fingerprint of the base model that was fine-tuned.

        Raises:
            ArtifactError: the base model has changed.
        """
        if found != self.manifest.inputs["base_model"]:
            raise ArtifactError(
                f"The base model {self.base_model} is not the one that {self.folder} was trained on: its files have "
                "changed. Restore the old files, or fine-tune again into another folder."
            )

    @cached_property
    def examples(self) -> ExampleTable:
        """The training examples, memory-mapped."""
        return ExampleTable.open(self.folder / EXAMPLES)

    @cached_property
    def trajectory(self) -> Trajectory:
        """The fine-tuned model in memory, with its recorded trajectory."""
        base = load_base(self.base_folder, self.full)
        return self._trajectory(base) if self.full else self.on(base)

    def on(self, base: PreTrainedModel) -> Trajectory:
        """Return the fine-tuned model on a base model already in memory, with its recorded trajectory.

        The run's adapter is put on `base` in place; after `remove_adapter` the trajectory can no longer be used. Load
        `base` from `base_folder`, which checks that it is the one that was fine-tuned.

        Raises:
            ModelError: all weights were trained, or the adapter does not fit `base`, which is then unusable.
        """
        if self.full:
            raise ModelError(
                f"Only an adapter can be put on a base model, but {self.folder} is a full fine-tuning. "
                "Open its trajectory instead."
            )
        return self._trajectory(load_adapter(base, self.folder / ADAPTER))

    def _trajectory(self, tuned: PreTrainedModel | PeftModel) -> Trajectory:
        tokenizer: PreTrainedTokenizerBase = load_tokenizer(self.base_folder)
        trace = self.folder / "trace"
        rows = (Step(r["step"], r["learning_rate"], tuple(r["examples"])) for r in read_steps(trace))
        points = read_checkpoints(trace)
        finished = read_point(self.folder / FINISHED, points[-1].step + 1) if points else None
        trajectory = Trajectory(tuned.eval(), tokenizer, points, tuple(rows), finished)
        trajectory.move_to(trajectory.last)
        return trajectory


def default_run(source: Source) -> Path:
    """Return the default folder of a run on this data."""
    return runs() / Path(source).stem


def load_base(folder: Path, full: bool) -> PreTrainedModel:
    """Load the base model: in float32 if all of it is trained, else in the fastest precision of this machine."""
    return load(folder, dtype=torch.float32 if full else precision())


def save_weights(model: Any, tokenizer: PreTrainedTokenizerBase, folder: Path, full: bool) -> None:
    """Write the trained weights in the usual formats: an adapter, or a whole model with its tokenizer."""
    if not full:
        save_adapter(model, folder / ADAPTER)
        return
    with quiet():
        model.save_pretrained(folder / FULL)
        tokenizer.save_pretrained(folder / FULL)


def run_manifest(base_model: str, base: Path, data: Sequence[Source], config: Mapping[str, Any]) -> Manifest:
    """Return the identity of a run: configuration, base model and data."""
    inputs = {"base_model": fingerprint(base)}
    if Path(base_model).is_dir():
        base_model = str(Path(base_model).resolve())  # so that it is found from any working directory
    for place, source in enumerate(data, start=1):
        inputs[f"data {place}: {Path(source).name}"] = source_id(source)
    return Manifest(KIND, {"base_model": base_model, **json.loads(json.dumps(config))}, inputs)
