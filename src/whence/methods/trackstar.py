"""TrackStar: cosine of Adam's steps, after whitening by the second moment of all examples' steps.

    p(z)        = sketch of g(z) / (sqrt(v) + eps)                    v: Adam's second moment
    R           = P^T P + d I                                         P: one row per example
    score(q, z) = cos(R^(-1/2) p(q), R^(-1/2) p(z))                   d = damping x mean non-zero eigenvalue of P^T P

(Chang et al. 2024, arXiv:2410.17413, section 3.) At the last checkpoint. The paper's R mixes the second moments of
training and evaluation gradients; the questions are not known when an index is built, so this one is of the
training gradients alone. The paper keeps R layer by layer; here the layers' sketches are summed, and there is one R.
Damping is ours: there are often fewer examples than numbers per row.

With P^T P = U diag(s) U^T,  sqrt(d) R^(-1/2) = I - U diag(c) U^T,  c = 1 - sqrt(d / (s + d)): few numbers to store
if examples are few. R^(-1/2) is applied to the query, twice; a row is p(z) itself, and its length after R^(-1/2) is
stored beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from safetensors.torch import load_file, save_file
from torch import Tensor

from whence.core.ridge import damping_of, second_moment
from whence.core.similarity import unit_rows
from whence.errors import MethodError
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.methods.base import Needs, Unit
from whence.methods.less import StepSpec, plain_note
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.methods.sketched_rows import AT_THE_END, embed, require_square
from whence.store.shards import Shards
from whence.types import Progress, Query, Report, Tokens

WHITENING = "whitening.safetensors"


@dataclass(frozen=True)
class TrackStar:
    """Whitened cosine of Adam's steps. `sketch`: numbers per row, a perfect square; `damping`: relative to the mean
    eigenvalue."""

    name: ClassVar[str] = "trackstar"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("last")

    sketch: int = 4096
    damping: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        require_square(self.sketch)
        if self.damping <= 0:
            raise MethodError(f"damping must be positive (found {self.damping:g}). The default is 0.1.")

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write one sketched step per example, then the whitening basis and the whitened lengths."""
        shards = Shards(folder, len(subject.examples), self.sketch, subject.compute.rows_per_shard)
        write_rows(shards, lambda span: self._rows(subject, example_tokens(subject, span)), "gradients", report)
        basis = whitening_basis(shards, self.damping).float()
        lengths = torch.cat([whitened(rows.double(), basis).norm(dim=1) for rows in shards])
        save_file({"basis": basis.contiguous(), "lengths": lengths.float()}, folder / WHITENING)
        report(Progress("whitening", shards.rows, shards.rows, "examples"))
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """cos(R^(-1/2) p(query), R^(-1/2) p(example)) for all."""
        kept = load_file(folder / WHITENING)
        rows = self._rows(subject, query_tokens(subject, queries)).double()
        once = unit_rows(whitened(rows, kept["basis"]).float()).double()
        found = search(open_rows(folder), whitened(once, kept["basis"]).float())
        return found / np.maximum(kept["lengths"].numpy(), np.finfo(np.float32).tiny)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """The reason why this method is for comparison, not for answers, and data that this run lacks."""
        return (AT_THE_END, *plain_note(subject, (subject.trajectory.last,)))

    def _rows(self, subject: Subject, items: Sequence[Tokens]) -> Tensor:
        spec = StepSpec((subject.trajectory.last,), self.sketch, self.seed, adam=True)
        return embed(subject.trajectory, spec, items, subject.compute)[0]


def whitened(rows: Float[Tensor, "row width"], basis: Float[Tensor, "rank width"]) -> Float[Tensor, "row width"]:
    """sqrt(d) R^(-1/2) of each row: the row less its part in the basis."""
    wide = basis.to(rows.dtype)
    return rows - rows @ wide.T @ wide


def whitening_basis(shards: Shards, damping: float) -> Float[Tensor, "rank width"]:
    """B with B^T B = U diag(c) U^T, in float64; from the smaller of P P^T and P^T P."""
    if shards.rows <= shards.width:
        rows = torch.cat([part.double() for part in shards])
        values, vectors = torch.linalg.eigh(rows @ rows.T)
        # U^T = diag(s)^(-1/2) V^T P, where s may be 0; its root cancels against that of c.
        return _shrinkage(values, damping).sqrt()[:, None] * (vectors.T @ rows)
    moment, _ = second_moment(shards, shards.width)
    values, vectors = torch.linalg.eigh(moment)
    return (_shrinkage(values, damping) * values.clamp(min=0)).sqrt()[:, None] * vectors.T


def _shrinkage(values: Float[Tensor, " rank"], damping: float) -> Float[Tensor, " rank"]:
    """c / s for each eigenvalue s, in a form that is stable for small s."""
    kept = values.clamp(min=0)
    d = damping_of(float(kept.sum()), len(kept), damping)
    return 1 / ((kept + d) * (1 + (d / (kept + d)).sqrt()))
