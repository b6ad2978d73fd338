"""The trajectory of a fine-tuned model as attribution sees it: a model in memory and its recorded checkpoints.

Does not know how the trajectory was recorded: the caller passes the path of each checkpoint's tensors.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.core.projection import Projection
from whence.errors import MethodError
from whence.gradients.capture import Metric, weight_layout
from whence.models.adapter import put_weights, trainable_weights
from whence.models.targets import linear_targets, weight_shape
from whence.types import TrajectoryKind

ADAM_EPSILON = 1e-8


@dataclass(frozen=True)
class Checkpoint:
    """One recorded checkpoint.

    `step` 0 is the model before training. `weight` is the sum of the learning rates of the steps nearest to
    this checkpoint. `moments` is Adam's second moment, bias-corrected, if it was recorded.
    """

    step: int
    weights: Path
    moments: Path | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Step:
    """One recorded optimizer step: its number from 1, its learning rate, the rows of the data set in its batch.

    `examples` is empty if the batches were not recorded.
    """

    step: int
    learning_rate: float
    examples: tuple[int, ...]


@dataclass
class Trajectory:
    """A loaded model with its checkpoints in order of training; the last one is the model that answers.

    `steps` are the optimizer steps between them, in order; empty if only the checkpoints were recorded. If the
    checkpoints are those of a proxy training, `finished` is the model that answers. It is not on their trajectory: its
    adapter started from other factors, so its gradients cannot be compared entry by entry with those at a checkpoint.
    """

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerBase
    checkpoints: tuple[Checkpoint, ...]
    steps: tuple[Step, ...] = ()
    finished: Checkpoint | None = None
    layers: Mapping[str, nn.Module] = field(init=False)
    at: int = field(init=False, default=-1)
    _projections: dict[tuple[int, int], Mapping[str, Projection]] = field(init=False, default_factory=dict, repr=False)
    _metrics: dict[int, Metric | None] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.layers = linear_targets(self.model)

    @property
    def last(self) -> Checkpoint:
        """The model that answers."""
        return self.finished or self.end

    @property
    def end(self) -> Checkpoint:
        """The end of the trajectory: the model that answers, or its proxy."""
        return self.checkpoints[-1]

    @property
    def answering(self) -> tuple[Checkpoint, ...]:
        """The checkpoints, the last one replaced by the model that answers."""
        return (*self.checkpoints[:-1], self.last)

    @property
    def kind(self) -> TrajectoryKind:
        """The origin of the checkpoints."""
        if self.finished:
            return "stand-in"
        if self.steps:
            return "recorded"
        return "checkpoints" if any(c.step for c in self.checkpoints[:-1]) else "none"

    @property
    def device(self) -> torch.device:
        """The device of the model."""
        return next(self.model.parameters()).device

    def move_to(self, checkpoint: Checkpoint) -> None:
        """Load a checkpoint's weights into the model; nothing is read if they are already in it."""
        if self.at != checkpoint.step:
            put_weights(self.model, load_file(checkpoint.weights))
            self.at = checkpoint.step

    @contextmanager
    def base(self) -> Generator[None]:
        """While open, the model has its weights from before training."""
        if isinstance(self.model, PeftModel):
            with self.model.disable_adapter():
                yield
            return
        at, standing = self.at, trainable_weights(self.model)
        self.move_to(self.first_of_full())
        try:
            yield
        finally:
            put_weights(self.model, standing)
            self.at = at

    def first_of_full(self) -> Checkpoint:
        """The recorded start of a full fine-tuning run.

        Raises:
            MethodError: the start was not recorded, so the lift cannot be measured.
        """
        if self.checkpoints[0].step != 0:
            raise MethodError(
                "The base model's weights are needed to measure what fine-tuning contributed, but this run has no "
                "checkpoint of step 0. Name the base model with --base-model when you index it."
            )
        return self.checkpoints[0]

    def projections(self, side: int, seed: int) -> Mapping[str, Projection]:
        """The projection of every layer, the same at every checkpoint; created once."""
        key = (side, seed)
        if key not in self._projections:
            self._projections[key] = {
                name: Projection.of(name, weight_shape(layer), side, seed).to(self.device)
                for name, layer in self.layers.items()
            }
        return self._projections[key]

    def metric(self, checkpoint: Checkpoint) -> Metric | None:
        """Adam's metric as a weight for each gradient entry, v^(-1/4), so that inner products carry 1/sqrt(v).

        None if no second moments were recorded. The start has none yet and uses those of the first checkpoint that has
        them. A fully fine-tuned model with a proxy uses those at the end of the proxy; an adapter never does. An
        adapter's metrics are cached; a whole model's are as large as the model.
        """
        if checkpoint.step in self._metrics:
            return self._metrics[checkpoint.step]
        found = self._read_metric(checkpoint)
        if isinstance(self.model, PeftModel):
            self._metrics[checkpoint.step] = found
        return found

    def moments_for(self, checkpoint: Checkpoint) -> Path | None:
        """The file of the second moments for a checkpoint's metric; None if there is none."""
        if checkpoint.moments or (checkpoint == self.finished and isinstance(self.model, PeftModel)):
            return checkpoint.moments
        having = [c for c in self.checkpoints if c.moments]
        later = [c for c in having if c.step >= checkpoint.step]
        return (later or having[-1:] or [checkpoint])[0].moments

    def _read_metric(self, checkpoint: Checkpoint) -> Metric | None:
        path = self.moments_for(checkpoint)
        if path is None:
            return None
        moments = load_file(path)
        return {name: self._weight(name, moments) for name in self.layers}

    def _weight(self, name: str, moments: Mapping[str, Tensor]) -> Tensor:
        second = moments[f"{name}.weight"].float().to(self.device)
        return (weight_layout(self.layers[name], second).sqrt() + ADAM_EPSILON).rsqrt().contiguous()
