"""TracIn: the learning-rate weighted sum of gradient dots over the recorded checkpoints.

    score(q, z) = sum over checkpoints c of eta_c <g_c(q), g_c(z)>      (Pruthi et al. 2020, arXiv:2002.08484, eq. 1)

`eta_c` is the sum of the learning rates of the steps nearest to the checkpoint. The recorded step is Adam's, so the
sum is proportional to the change of log-probability, not equal to it; hence the unit is a similarity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.methods.base import Needs, Unit
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.methods.sketched_rows import GradientSpec, embed, require_square
from whence.methods.token_scores import parts
from whence.store.shards import Shards
from whence.types import Query, Report, Tokens


@dataclass(frozen=True)
class TracIn:
    """Gradient dots over all checkpoints. `sketch`: numbers per row and checkpoint, a perfect square."""

    name: ClassVar[str] = "tracin"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("all")

    sketch: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        require_square(self.sketch)

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write the learning-rate weighted gradients at each checkpoint, side by side."""
        spec = self._spec(subject)
        weights = _weights(spec)
        shards = Shards(folder, len(subject.examples), spec.total_width, subject.compute.rows_per_shard)
        write_rows(
            shards, lambda span: weights * self._rows(subject, spec, example_tokens(subject, span)), "gradients", report
        )
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """sum_c eta_c <g_c(query), g_c(example)> for all."""
        rows = self._rows(subject, self._spec(subject), query_tokens(subject, queries))
        return search(open_rows(folder), rows)

    def token_scores(
        self, subject: Subject, folder: Path, queries: Sequence[Query], index: int
    ) -> Float[ndarray, "query token"]:
        """sum_c eta_c <g_c(query), g_c,t(example)> for the answer tokens t of one example."""
        spec = self._spec(subject)
        directions = _weights(spec) * self._rows(subject, spec, query_tokens(subject, queries))
        return parts(subject, spec, directions, index)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """A note if the trajectory was not recorded."""
        if len(subject.trajectory.checkpoints) > 1:
            return ()
        return ("Only one checkpoint was recorded: this is a gradient dot at that point.",)

    def _spec(self, subject: Subject) -> GradientSpec:
        return GradientSpec(subject.trajectory.checkpoints, self.sketch, self.seed, adam=False)

    def _rows(self, subject: Subject, spec: GradientSpec, items: Sequence[Tokens]) -> Tensor:
        return embed(subject.trajectory, spec, items, subject.compute)[0]


def _weights(spec: GradientSpec) -> Tensor:
    return torch.tensor([c.weight for c in spec.checkpoints]).repeat_interleave(spec.width)
