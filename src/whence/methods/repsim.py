"""RepSim: cosine of the fine-tuned model's hidden states at the answers' tokens.

    h(z)        = mean over the answer's tokens of the last layer's hidden state, or that of its last token
    score(q, z) = cos(h(q), h(z))

(Hanawa et al. 2021, arXiv:2006.04528, cosine of last hidden states; for language models: Li et al. 2024,
arXiv:2409.19998.) The hidden state is the input of the output embedding, after the final norm. A selected part of an
answer is compared by its own tokens.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor, nn

from whence.core.similarity import unit_rows
from whence.errors import MethodError
from whence.gradients.likelihood import passes
from whence.gradients.measurement import Batch, fast_arithmetic, output_embedding
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.gradients.trajectory import Trajectory
from whence.methods.base import Needs, Unit
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.store.shards import Shards
from whence.types import Query, Report, Tokens

Pool = Literal["mean", "last"]


@dataclass(frozen=True)
class RepSim:
    """Cosine of hidden states at the last checkpoint. `pool`: the "mean" of the answer's tokens, or its "last" one."""

    name: ClassVar[str] = "repsim"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("last")

    pool: str = "mean"

    def __post_init__(self) -> None:
        if self.pool not in get_args(Pool):
            raise MethodError(f"pool is one of {', '.join(get_args(Pool))} (found {self.pool!r}). Choose one.")

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write one unit vector per training example."""
        width = hidden_width(subject.trajectory)
        shards = Shards(folder, len(subject.examples), width, subject.compute.rows_per_shard)
        write_rows(shards, lambda span: self._rows(subject, example_tokens(subject, span)), "vectors", report)
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """Cosine of every query's hidden state with every example's."""
        return search(open_rows(folder), self._rows(subject, query_tokens(subject, queries)))

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """The limit of a comparison of hidden states."""
        return ("Similarity of hidden states only: it does not know which pair the model learned the answer from.",)

    def _rows(self, subject: Subject, items: Sequence[Tokens]) -> Tensor:
        path = subject.trajectory
        path.move_to(path.last)
        rows = torch.empty(len(items), hidden_width(path))
        for chosen, batch in passes(path, items, subject.compute):
            rows[chosen] = pooled(last_states(path.model, batch), answers(batch), self.pool).cpu()
        return unit_rows(rows)


def hidden_width(trajectory: Trajectory) -> int:
    """Width of the last layer's hidden states."""
    weight = output_embedding(trajectory.model).weight
    assert isinstance(weight, Tensor)
    return weight.shape[1]


@torch.no_grad()
def last_states(model: nn.Module, batch: Batch) -> Float[Tensor, "row token hidden"]:
    """The input of the output embedding at every position, in float32."""
    with watching_states(model) as found, fast_arithmetic(model):
        model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            use_cache=False,
        )
    return found[0].float()


@contextmanager
def watching_states(model: nn.Module) -> Generator[list[Tensor]]:
    """While open, append inputs of the output embedding to the list; logits are computed at one position only."""
    found: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        found.append(inputs[0])
        return (inputs[0][:, :1],)

    handle = output_embedding(model).register_forward_pre_hook(keep)
    try:
        yield found
    finally:
        handle.remove()


def answers(batch: Batch) -> Bool[Tensor, "row token"]:
    """Mask of the answers' own tokens: each follows the position that predicts it."""
    return batch.counted.roll(1, dims=1)


def pooled(
    states: Float[Tensor, "row token hidden"], where: Bool[Tensor, "row token"], pool: str
) -> Float[Tensor, "row hidden"]:
    """The mean of the marked states of each row, or the last of them."""
    if pool == "last":
        places = torch.arange(where.shape[1], device=where.device)
        last = torch.where(where, places, -1).amax(1)
        return states[torch.arange(len(states), device=states.device), last]
    marked = where[..., None].float()
    return (states * marked).sum(1) / marked.sum(1)
