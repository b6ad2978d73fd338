"""Sketched gradients at recorded checkpoints: the raw material of every gradient method, for examples and queries.

A row is the concatenation, over the chosen checkpoints, of the example's sketched gradient of log p(answer).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whence.core.projection import side_of
from whence.errors import MethodError
from whence.gradients.capture import Sketcher, sketches
from whence.gradients.likelihood import passes
from whence.gradients.subject import Compute
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.models.targets import second_factors
from whence.types import Progress, Report, Tokens

AT_THE_END = "Only the end of fine-tuning was used, where the gradients of learned pairs have vanished."
"""The note of methods that use the last checkpoint alone."""

Tick = Callable[[int], None]
"""Called with the number of passes (example x checkpoint) that have just been finished."""


def no_tick(_: int) -> None:
    """A `Tick` that reports nothing."""


def reporting(report: Report, passes: int) -> Tick:
    """A `Tick` that reports how many of so many passes are done."""
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        report(Progress("gradients", done, passes, "passes"))

    return tick


@dataclass(frozen=True)
class GradientSpec:
    """The gradients of a row: at which checkpoints, sketched to how many numbers each, in which metric. With
    `second_only` an adapter's B factors are measured alone, which takes less time."""

    checkpoints: tuple[Checkpoint, ...]
    width: int
    seed: int
    adam: bool
    second_only: bool = False

    @property
    def total_width(self) -> int:
        """Numbers per row: one sketch for each checkpoint."""
        return self.width * len(self.checkpoints)

    def layers(self, trajectory: Trajectory) -> Mapping[str, nn.Module]:
        """The layers that are measured."""
        return second_factors(trajectory.layers) if self.second_only else trajectory.layers

    def sketcher(self, trajectory: Trajectory, checkpoint: Checkpoint) -> Sketcher:
        """The sketch of one checkpoint. Every checkpoint shares the projection, so sketches can be compared."""
        projections = trajectory.projections(side_of(self.width), self.seed)
        return Sketcher(projections, trajectory.metric(checkpoint) if self.adam else None)


def embed(
    trajectory: Trajectory, spec: GradientSpec, items: Sequence[Tokens], compute: Compute, tick: Tick = no_tick
) -> tuple[Float[Tensor, "item width"], Float[Tensor, "item checkpoint"]]:
    """Each item's row, and its log p(answer | prompt) in nats at each checkpoint."""
    rows = torch.empty(len(items), spec.total_width)
    values = torch.empty(len(items), len(spec.checkpoints))
    for c, checkpoint in enumerate(spec.checkpoints):
        trajectory.move_to(checkpoint)
        sketcher = spec.sketcher(trajectory, checkpoint)
        for chosen, batch in passes(trajectory, items, compute):
            sketch, value = sketches(trajectory.model, spec.layers(trajectory), batch, sketcher)
            rows[chosen, c * spec.width : (c + 1) * spec.width] = sketch.cpu()
            values[chosen, c] = value.cpu()
            tick(len(chosen))
    return rows, values


def require_square(sketch: int) -> None:
    """Raise unless the size of a sketch is a perfect square."""
    try:
        side_of(sketch)
    except ValueError as error:
        raise MethodError(str(error)) from error
