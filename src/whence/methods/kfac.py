"""K-FAC influence: gradients at the end of fine-tuning through the damped inverse of Kronecker-factored curvature.

    score(q, z) = sum over layers of <g(q), (H + d I)^-1 g(z)>

with g the gradient of log p(answer | question) at the last checkpoint, H the layer's curvature by K-FAC (Martens &
Grosse 2015, arXiv:1503.05671; `whence.core.kronecker`) and d = damping x the layer's mean eigenvalue (an influence
function after Grosse et al. 2023, arXiv:2308.03296, section 2.1). H is symmetric, so the score is an inner product of
two rows of the same kind, whitened in the eigenbasis:

    E(z) = (Lambda + d)^(-1/2) * (Q_S^T G(z) Q_A)

A row is a sketch of that. Sketching two whitened sides, instead of H^-1 g(z) against a plain q, keeps the error of the
sketch in proportion to the score of a text with itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.kronecker import Kronecker
from whence.core.projection import side_of
from whence.errors import MethodError
from whence.gradients.curvature import (
    Labels,
    Sampled,
    Whitening,
    data_labels,
    fit_factors,
    read_factors,
    write_factors,
)
from whence.gradients.likelihood import in_order, passes
from whence.gradients.measurement import Batch
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.methods.base import Needs, Unit
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.methods.sketched_rows import AT_THE_END, require_square
from whence.store.shards import Shards
from whence.types import Progress, Query, Report, Tokens

FACTORS = "factors.safetensors"


@dataclass(frozen=True)
class KfacInfluence:
    """Inverse Kronecker-factored curvature at the last checkpoint. `sketch`: numbers per row, a perfect square, or 0
    for whole gradients (small models: two bfloat16 per entry); `damping`: relative to a layer's mean eigenvalue;
    `labels`: "sampled" from the model for the Fisher, or those of the "data" for the empirical Fisher."""

    name: ClassVar[str] = "kfac"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("last")
    corrected: ClassVar[bool] = False

    sketch: int = 16384
    damping: float = 0.1
    labels: str = "sampled"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sketch:
            require_square(self.sketch)
        require_curvature(self.damping, self.labels)

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write the factors, then one whitened gradient per training example."""
        labels = labels_named(self.labels, self.seed)
        whitening = self._whitening(subject, fitted(subject, folder, labels, self.corrected, report))
        width = whitening.width if self.sketch else 2 * whitening.width
        shards = Shards(folder, len(subject.examples), width, subject.compute.rows_per_shard)

        def rows(span: range) -> Tensor:
            found = whitened(subject, whitening, example_tokens(subject, span))
            return found if self.sketch else _in_two(found)

        write_rows(shards, rows, "gradients", report)
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """<g(query), (H + d I)^-1 g(example)> for all, summed over the layers."""
        items = query_tokens(subject, queries)
        whitening = self._whitening(subject, read_factors(folder / FACTORS, subject.trajectory.device))
        rows = whitened(subject, whitening, items)
        return search(open_rows(folder), rows if self.sketch else rows.repeat(1, 2))

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """The reason why little may be found if the data were memorised."""
        return (AT_THE_END,)

    def _whitening(self, subject: Subject, factors: Mapping[str, Kronecker]) -> Whitening:
        projections = subject.trajectory.projections(side_of(self.sketch), self.seed) if self.sketch else None
        return Whitening(factors, self.damping, projections)


def require_curvature(damping: float, labels: str) -> None:
    """Raise unless the damping is positive and the kind of labels exists."""
    if damping <= 0:
        raise MethodError(f"damping must be positive (found {damping:g}). The default is 0.1.")
    require_labels(labels)


def require_labels(labels: str) -> None:
    """Raise unless this kind of labels exists."""
    if labels not in ("sampled", "data"):
        raise MethodError(f'labels must be "sampled" or "data" (found {labels!r}). The default is sampled.')


def labels_named(kind: str, seed: int) -> Labels:
    """The labels for a method's setting `labels`."""
    return Sampled(seed) if kind == "sampled" else data_labels


def fitted(subject: Subject, folder: Path, labels: Labels, corrected: bool, report: Report) -> dict[str, Kronecker]:
    """The factors at the last checkpoint, fitted on all training examples and stored in `folder`; fitted once."""
    path, trajectory = folder / FACTORS, subject.trajectory
    if not path.is_file():
        trajectory.move_to(trajectory.last)
        passes = len(subject.examples) * (2 if corrected else 1)
        done = 0

        def stream() -> Iterator[Batch]:
            nonlocal done
            for batch in training_batches(subject):
                yield batch
                done += batch.rows
                report(Progress("curvature", done, passes, "passes"))

        write_factors(path, fit_factors(trajectory.model, trajectory.layers, stream, labels, corrected))
    return read_factors(path, trajectory.device)


def whitened(subject: Subject, whitening: Whitening, items: Sequence[Tokens]) -> Float[Tensor, "item width"]:
    """Each item's whitened gradient at the last checkpoint."""
    trajectory = subject.trajectory
    trajectory.move_to(trajectory.last)
    found = whitening.rows(trajectory.model, trajectory.layers, collated(subject, items))
    return in_order(found, items, subject.compute)


def training_batches(subject: Subject) -> Iterator[Batch]:
    """All training examples, batch by batch; memory holds the tokens of one shard."""
    count, step = len(subject.examples), subject.compute.rows_per_shard
    for start in range(0, count, step):
        yield from collated(subject, example_tokens(subject, range(start, min(start + step, count))))


def collated(subject: Subject, items: Sequence[Tokens]) -> Iterator[Batch]:
    """The items in batches, in the order of `likelihood.passes`."""
    return (batch for _, batch in passes(subject.trajectory, items, subject.compute))


def _in_two(rows: Float[Tensor, "row width"]) -> Float[Tensor, "row double"]:
    """Rows that keep 16 bits of precision as bfloat16: the rounded numbers, then the rounding errors."""
    rounded = rows.bfloat16().float()
    return torch.cat([rounded, rows - rounded], dim=1)
