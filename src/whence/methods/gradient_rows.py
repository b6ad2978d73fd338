"""Sketched gradients at recorded checkpoints: the raw material of every gradient method, for examples and queries.

A row is the concatenation, over the chosen checkpoints, of the example's sketched gradient of log p(answer).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from whence.core.projection import side_of
from whence.data.tokenize import tokenize
from whence.errors import MethodError
from whence.gradients.capture import Sketcher, sketches
from whence.gradients.measurement import Batch, collate, log_probabilities
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.base import Compute, Subject
from whence.methods.texts import require_answer
from whence.types import Query, Tokens

Tick = Callable[[int], None]
"""Called with the number of passes (example x checkpoint) that have just been finished."""


def no_tick(_: int) -> None:
    """A `Tick` that tells nobody."""


@dataclass(frozen=True)
class Lens:
    """How gradients are looked at: at which checkpoints, sketched to how many numbers each, in which metric."""

    checkpoints: tuple[Checkpoint, ...]
    width: int
    seed: int
    adam: bool

    @property
    def total_width(self) -> int:
        """Numbers in a row: one sketch for each checkpoint."""
        return self.width * len(self.checkpoints)

    def sketcher(self, trajectory: Trajectory, checkpoint: Checkpoint) -> Sketcher:
        """The sketch of one checkpoint. Every checkpoint shares the projection, so sketches can be compared."""
        projections = trajectory.projections(side_of(self.width), self.seed)
        return Sketcher(projections, trajectory.metric(checkpoint) if self.adam else None)


def embed(
    trajectory: Trajectory, lens: Lens, items: Sequence[Tokens], compute: Compute, tick: Tick = no_tick
) -> tuple[Float[Tensor, "item width"], Float[Tensor, "item checkpoint"]]:
    """Each item's row, and its log p(answer | prompt) in nats at each checkpoint."""
    rows = torch.empty(len(items), lens.total_width)
    values = torch.empty(len(items), len(lens.checkpoints))
    for c, checkpoint in enumerate(lens.checkpoints):
        trajectory.move_to(checkpoint)
        sketcher = lens.sketcher(trajectory, checkpoint)
        for chosen in batches(items, compute.batch_rows):
            batch = _batch(trajectory, [items[i] for i in chosen], compute)
            sketch, value = sketches(trajectory.model, trajectory.layers, batch, sketcher)
            rows[chosen, c * lens.width : (c + 1) * lens.width] = sketch.cpu()
            values[chosen, c] = value.cpu()
            tick(len(chosen))
    return rows, values


def values_at(
    trajectory: Trajectory, checkpoint: Checkpoint, items: Sequence[Tokens], compute: Compute
) -> Float[Tensor, " item"]:
    """Each item's log p(answer | prompt) in nats at one checkpoint: forward passes only."""
    trajectory.move_to(checkpoint)
    return values_now(trajectory, items, compute)


@torch.no_grad()
def values_now(trajectory: Trajectory, items: Sequence[Tokens], compute: Compute) -> Float[Tensor, " item"]:
    """Each item's log p(answer | prompt) in nats under the weights that the model has at the moment."""
    values = torch.empty(len(items))
    for chosen in batches(items, compute.batch_rows):
        batch = _batch(trajectory, [items[i] for i in chosen], compute)
        values[chosen] = log_probabilities(trajectory.model, batch).cpu()
    return values


def batches(items: Sequence[Tokens], size: int) -> list[list[int]]:
    """Indices of the items in batches of like length, so that little is padded."""
    order = sorted(range(len(items)), key=lambda i: len(items[i].input_ids))
    return [order[start : start + size] for start in range(0, len(order), size)]


def require_square(sketch: int) -> None:
    """Raise unless a sketch of so many numbers is a square."""
    try:
        side_of(sketch)
    except ValueError as error:
        raise MethodError(str(error)) from error


def query_tokens(subject: Subject, queries: Sequence[Query]) -> list[Tokens]:
    """The queries' tokens, as the model's chat template writes them.

    Raises:
        MethodError: an empty answer, of which there is nothing to measure.
        TooLong: more tokens than the model reads.
    """
    path = subject.trajectory
    length = getattr(path.model.config, "max_position_embeddings", None)
    for query in queries:
        require_answer(query)
    return [tokenize(query, path.tokenizer, max_length=length) for query in queries]


def example_tokens(subject: Subject, span: range) -> list[Tokens]:
    """The tokens of a range of training examples."""
    return [subject.examples.tokens(i) for i in span]


def _batch(trajectory: Trajectory, items: Sequence[Tokens], compute: Compute) -> Batch:
    pad = trajectory.tokenizer.pad_token_id
    return collate(items, pad if isinstance(pad, int) else 0, compute.padding, trajectory.device)
