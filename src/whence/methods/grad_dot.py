"""Gradient dot and cosine at the end of fine-tuning: the simplest methods, and the default of other libraries.

    dot(q, z) = <g(q), g(z)>        cos(q, z) = dot(q, z) / (|g(q)| |g(z)|)

with g the gradient of log p(answer | question) at the last checkpoint (Charpiat et al. 2019, arXiv:2102.05262, eq. 4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.similarity import unit_rows
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.methods.base import Needs, Unit
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.methods.sketched_rows import AT_THE_END, GradientSpec, embed, require_square
from whence.methods.token_scores import parts
from whence.store.shards import Shards
from whence.types import Query, Report


@dataclass(frozen=True)
class GradDot:
    """Inner product of gradients at the last checkpoint. `sketch`: numbers per row, a perfect square."""

    name: ClassVar[str] = "grad_dot"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("last")

    sketch: int = 4096
    seed: int = 0

    def __post_init__(self) -> None:
        require_square(self.sketch)

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write one sketched gradient per training example."""
        shards = Shards(folder, len(subject.examples), self.sketch, subject.compute.rows_per_shard)
        write_rows(shards, lambda span: self._rows(subject, example_tokens(subject, span)), "gradients", report)
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """<g(query), g(example)> for all."""
        return search(open_rows(folder), self._rows(subject, query_tokens(subject, queries)))

    def token_scores(
        self, subject: Subject, folder: Path, queries: Sequence[Query], index: int
    ) -> Float[ndarray, "query token"]:
        """<g(query), g_t(example)> for the answer tokens t of one example."""
        directions = self._rows(subject, query_tokens(subject, queries)) / self._length(subject, index)
        return parts(subject, self._spec(subject), directions, index)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """The reason why this method is for comparison, not for answers."""
        return (AT_THE_END,)

    def _rows(self, subject: Subject, items: Sequence[Any]) -> Tensor:
        return self._finish(embed(subject.trajectory, self._spec(subject), items, subject.compute)[0])

    def _spec(self, subject: Subject) -> GradientSpec:
        return GradientSpec((subject.trajectory.last,), self.sketch, self.seed, adam=False)

    def _finish(self, rows: Tensor) -> Tensor:
        return rows

    def _length(self, subject: Subject, index: int) -> float:
        """The divisor of one example's gradient in its row."""
        return 1.0


@dataclass(frozen=True)
class GradCos(GradDot):
    """Cosine of gradients at the last checkpoint."""

    name: ClassVar[str] = "grad_cos"

    def _finish(self, rows: Tensor) -> Tensor:
        return unit_rows(rows)

    def _length(self, subject: Subject, index: int) -> float:
        items = [subject.examples.tokens(index)]
        (row,), _ = embed(subject.trajectory, self._spec(subject), items, subject.compute)
        return max(float(row.norm()), torch.finfo(torch.float32).tiny)
