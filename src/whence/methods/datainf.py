"""DataInf: a closed form of the layer-wise inverse, from exchanging the mean over examples with the inverse.

    lambda_l    = mean over examples i of |g_il|^2 / (10 d_l)                d_l: weights of layer l
    r_l(q)      = 1/(n lambda_l) sum over i of (q_l - <q_l, g_il> / (lambda_l + |g_il|^2) g_il)
    score(q, z) = sum over layers l of <r_l(q), g_l(z)>

(Kwon et al. 2023, arXiv:2310.00902, eq. 5; positive supports the answer here.) With g the gradient of
log p(answer | question). r_l is linear in q_l: one symmetric matrix per layer, computed once from the rows,

    r_l(q) = M_l q_l        M_l = (I - 1/n sum over i of g_il g_il^T / (lambda_l + |g_il|^2)) / lambda_l

Rows hold the layers side by side, each projected as in LoGra (arXiv:2405.13954, eq. 5; see `logra`); d_l remains the
layer's own number of weights. With `sketch` 0 nothing is projected, and M_l is as wide as the layer has weights.

With several points, a score is the median of the points' scores, as in LLM Attributor (Lee et al. 2024,
arXiv:2404.01361); the row's numbers are shared among the points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.similarity import inner_products
from whence.errors import MethodError
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.gradients.trajectory import Checkpoint
from whence.methods.base import Needs, Unit
from whence.methods.logra import Blocks, embed_blocks, moments, read_operators, through, write_operators
from whence.methods.rows import describe, open_rows, write_rows
from whence.methods.sketched_rows import AT_THE_END
from whence.methods.trak import closing
from whence.models.targets import weight_shape
from whence.store.shards import Shards
from whence.types import Progress, Query, Report, Tokens

LAMBDA = 0.1
"""Damping as a share of a layer's mean squared gradient entry, as in the paper."""


@dataclass(frozen=True)
class DataInf:
    """Closed-form layer-wise influence. `sketch`: numbers per row at most (0: whole gradients, for small models);
    `points`: number of checkpoints, including the last."""

    name: ClassVar[str] = "datainf"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("last")

    sketch: int = 16_384
    points: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.points < 1 or self.sketch < 0:
            found = f"{self.points} and {self.sketch}"
            raise MethodError(f"points must be positive and sketch must not be negative (found {found}).")

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write the projected gradients at each point, side by side, then each layer's matrix."""
        points, blocks = self._points(subject), self._blocks(subject)
        shards = Shards(folder, len(subject.examples), len(points) * blocks.width, subject.compute.rows_per_shard)
        write_rows(shards, lambda span: self._rows(subject, blocks, example_tokens(subject, span)), "gradients", report)
        weights = [out * inner for out, inner in map(weight_shape, subject.trajectory.layers.values())]
        parts = [columns(shards, c, blocks.width) for c in range(len(points))]
        write_operators(folder, [matrix for part in parts for matrix in matrices(part, blocks, weights)])
        report(Progress("closed form", shards.rows, shards.rows, "examples"))
        return {**describe(shards), "points": [c.step for c in points]}

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The median over the points of sum_l <r_l(query), g_l(example)> for all."""
        blocks, shards, operators = self._blocks(subject), open_rows(folder), read_operators(folder)
        rows = self._rows(subject, blocks, query_tokens(subject, queries)).split(blocks.width, dim=1)
        count, found = len(blocks.sizes), list[Tensor]()
        for c, part in enumerate(rows):
            asked = through(operators[c * count : (c + 1) * count], blocks, part)
            found.append(torch.cat([inner_products(asked, stored) for stored in columns(shards, c, blocks.width)], 1))
        return np.median(torch.stack(found).numpy(), axis=0)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """Notes if fewer points were recorded than `points`, or only the end was used."""
        points = self._points(subject)
        if len(points) == 1:
            return (AT_THE_END,)
        if len(points) < self.points:
            return (f"Only {len(points)} of {self.points} points were recorded after the start.",)
        return ()

    def _points(self, subject: Subject) -> tuple[Checkpoint, ...]:
        return closing(subject.trajectory.answering, self.points)

    def _blocks(self, subject: Subject) -> Blocks:
        numbers = max(self.sketch // len(self._points(subject)), 1) if self.sketch else 0
        return Blocks.of(subject.trajectory, numbers, self.seed)

    def _rows(self, subject: Subject, blocks: Blocks, items: Sequence[Tokens]) -> Tensor:
        path = subject.trajectory
        return torch.cat([embed_blocks(path, c, blocks, items, subject.compute) for c in self._points(subject)], dim=1)


def columns(shards: Shards, point: int, width: int) -> list[Tensor]:
    """One point's columns of every shard, memory-mapped."""
    return [shard[:, point * width : (point + 1) * width] for shard in shards]


def matrices(parts: Sequence[Tensor], blocks: Blocks, weights: Sequence[int]) -> list[Tensor]:
    """M_l of each block at one point, from the rows in `parts` and the number of weights of each layer."""
    rows = sum(len(part) for part in parts)
    squares = torch.zeros(len(blocks.sizes), dtype=torch.float64)
    for part in parts:
        squares += torch.stack([block.double().square().sum() for block in blocks.split(part.float())])
    damping = LAMBDA * squares / (rows * torch.tensor(weights, dtype=torch.float64))

    def weigh(b: int, block: Tensor) -> Tensor:
        return 1 / (damping[b] + block.square().sum(1)).clamp(min=1e-300)

    totals = moments(parts, blocks, weigh)
    return [closed_form(total / rows, float(d)) for total, d in zip(totals, damping, strict=True)]


def closed_form(mean: Float[Tensor, "width width"], damping: float) -> Float[Tensor, "width width"]:
    """(I - mean) / damping; zeros if no example has a gradient."""
    if damping <= 0:
        return torch.zeros_like(mean)
    return (torch.eye(len(mean), dtype=mean.dtype) - mean) / damping
