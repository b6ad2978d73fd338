"""DDA, debias and denoise: gradient dots averaged over the checkpoints, less those at the base model.

    I_c(q, z)   = <g_c(q), g_c(z)>                     c = 0: the base model, 1 … C: the recorded points after it
    N_c(q, z)   = I_c(q, z) / mean over z of |I_c(q, z)|
    score(q, z) = mean over c >= 1 of N_c(q, z) - beta N_0(q, z)

(Wu et al. 2024, EMNLP, arXiv:2410.01285.) With g the gradient of log p(answer | question). The mean denoises, the
difference debiases. The paper's score is of a contrast: q is a set of bad answers less their corrections, and

    I_c(contrast, z) = sum over bad of I_c(bad, z) - sum over corrected of I_c(corrected, z)

since I_c is linear in the query's gradient. `whence.insights.tracing` forms it from `by_checkpoint`; `score` takes
one answer, not a contrast. N_c is ours: a base model's gradients are so much longer than a trained one's that without
it any beta above 0 leaves nothing but the base model's scores.
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
from whence.methods.rows import describe, open_rows, write_rows
from whence.methods.sketched_rows import GradientSpec, embed, require_square
from whence.store.shards import Shards
from whence.types import Query, Report, Tokens


@dataclass(frozen=True)
class Dda:
    """Debiased and denoised gradient dots. `sketch`: numbers per row and checkpoint, a perfect square. `beta`: weight
    of the base model's scores, which are subtracted (0: none)."""

    name: ClassVar[str] = "dda"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("all")

    sketch: int = 1024
    beta: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        require_square(self.sketch)
        require_beta(self.beta)

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write the gradients at the base model and at each checkpoint, side by side."""
        width = self._spec(subject).total_width
        shards = Shards(folder, len(subject.examples), width, subject.compute.rows_per_shard)
        write_rows(shards, lambda span: self._rows(subject, example_tokens(subject, span)), "gradients", report)
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The debiased and denoised score of each answer, without a contrast."""
        found = self.by_checkpoint(subject, folder, queries)
        return debias(normalise(found), starts_at_base(subject), self.beta).astype(np.float32)

    def by_checkpoint(
        self, subject: Subject, folder: Path, queries: Sequence[Query]
    ) -> Float[ndarray, "checkpoint query train"]:
        """<g_c(query), g_c(example)> at every recorded point, not normalised: linear in the query's gradient."""
        rows = self._rows(subject, query_tokens(subject, queries))
        return torch.cat([self._dots(rows, stored) for stored in open_rows(folder)], dim=2).numpy()

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """Notes if there was nothing to debias with, or nothing to average."""
        missing: list[str] = []
        if not starts_at_base(subject):
            missing.append("The start of training was not recorded: the base model's scores could not be subtracted.")
        if len(learned(subject)) < 2:
            missing.append("Only one checkpoint after the start was recorded: there was nothing to average.")
        return tuple(missing)

    def _spec(self, subject: Subject) -> GradientSpec:
        return GradientSpec(subject.trajectory.checkpoints, self.sketch, self.seed, adam=False)

    def _rows(self, subject: Subject, items: Sequence[Tokens]) -> Tensor:
        return embed(subject.trajectory, self._spec(subject), items, subject.compute)[0]

    def _dots(self, rows: Float[Tensor, "query width"], stored: Tensor) -> Float[Tensor, "checkpoint query row"]:
        asked, kept = rows.split(self.sketch, dim=1), stored.split(self.sketch, dim=1)
        return torch.stack([inner_products(q, k) for q, k in zip(asked, kept, strict=True)])


def require_beta(beta: float) -> None:
    """Raise unless beta is a finite number of at least 0."""
    if not (np.isfinite(beta) and beta >= 0):
        raise MethodError(f"beta must be a number of at least 0 (found {beta}). Try 0.1, or 0 for no debiasing.")


def starts_at_base(subject: Subject) -> bool:
    """True if the first recorded point is the base model and others follow."""
    points = subject.trajectory.checkpoints
    return points[0].step == 0 and len(points) > 1


def learned(subject: Subject) -> tuple[Checkpoint, ...]:
    """The recorded points after the base model; all points if it was not recorded."""
    return subject.trajectory.checkpoints[int(starts_at_base(subject)) :]


def normalise(scores: Float[ndarray, "*rest train"]) -> Float[ndarray, "*rest train"]:
    """Scores over their mean absolute value over the training examples, in float64; if all are zero they stay zero."""
    wide = scores.astype(np.float64)
    size = np.abs(wide).mean(axis=-1, keepdims=True)
    return wide / np.where(size > 0, size, 1.0)


def debias(
    normalised: Float[ndarray, "checkpoint *rest train"], base: bool, beta: float
) -> Float[ndarray, "*rest train"]:
    """The mean of the scores at the checkpoints after the base model, less beta times those at the base model.

    `base`: whether the first of the checkpoints is the base model; without it nothing is subtracted.
    """
    denoised = normalised[int(base) :].mean(axis=0)
    return denoised - beta * normalised[0] if base else denoised
