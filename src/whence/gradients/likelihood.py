"""Log-probabilities of answers under a model of the trajectory, from forward passes over padded batches."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from whence.gradients.measurement import Batch, collate, log_probabilities
from whence.gradients.subject import Compute
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.types import Tokens


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
    for chosen, batch in passes(trajectory, items, compute):
        values[chosen] = log_probabilities(trajectory.model, batch).cpu()
    return values


def passes(trajectory: Trajectory, items: Sequence[Tokens], compute: Compute) -> Iterator[tuple[list[int], Batch]]:
    """Yield the items in padded batches of similar length, each with the indices of its items."""
    pad = trajectory.tokenizer.pad_token_id
    for chosen in batches(items, compute.batch_rows):
        members, filler = [items[i] for i in chosen], pad if isinstance(pad, int) else 0
        yield chosen, collate(members, filler, compute.padding, trajectory.device)


def batches(items: Sequence[Tokens], size: int) -> list[list[int]]:
    """Indices of the items in batches of similar length, so that little is padded."""
    order = sorted(range(len(items)), key=lambda i: len(items[i].input_ids))
    return [order[start : start + size] for start in range(0, len(order), size)]


def in_order(
    rows: Float[Tensor, "item width"], items: Sequence[Tokens], compute: Compute
) -> Float[Tensor, "item width"]:
    """Rows that came batch after batch, as `passes` yields them, sorted back into the order of the items."""
    ordered = torch.empty_like(rows)
    ordered[[i for chosen in batches(items, compute.batch_rows) for i in chosen]] = rows
    return ordered
