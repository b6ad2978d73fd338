"""The damped inverse of the empirical Fisher, in the span of the rows or of their columns, whichever is smaller.

For rows P [row, width], F = P^T P and damping d:  (F + d I)^-1 P^T = P^T (P P^T + d I)^-1  (push-through identity),
so both forms give the same transformed rows P (F + d I)^-1. Factored in float64.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Fisher:
    """The Cholesky factor of F + d I, ready to be applied to any row."""

    factor: Float[Tensor, "width width"]
    damping: float

    def apply(self, rows: Float[Tensor, "row width"]) -> Float[Tensor, "row width"]:
        """rows (F + d I)^-1."""
        return torch.cholesky_solve(rows.double().T, self.factor).T.float()

    def matrix(self) -> Float[Tensor, "width width"]:
        """The matrix (F + d I)^-1."""
        return torch.cholesky_inverse(self.factor).float()


def second_moment(shards: Iterable[Tensor], width: int) -> tuple[Float[Tensor, "width width"], int]:
    """F = sum of p p^T over all rows, and the number of rows."""
    total = torch.zeros(width, width, dtype=torch.float64)
    count = 0
    for shard in shards:
        rows = shard.float()
        total += (rows.T @ rows).double()
        count += rows.shape[0]
    return total, count


def fit_fisher(moment: Float[Tensor, "width width"], count: int, relative_damping: float) -> Fisher:
    """The factor of F + d I with d = relative_damping x the mean non-zero eigenvalue of F.

    `moment`, which may take gigabytes, is changed in place.
    """
    damping = damping_of(float(moment.trace()), min(count, moment.shape[0]), relative_damping)
    moment.diagonal().add_(damping)
    return Fisher(torch.linalg.cholesky(moment), damping)


def damping_of(trace: float, rank: int, relative: float) -> float:
    """relative x trace / rank; positive even if every row is zero."""
    return max(relative * trace / max(rank, 1), 1e-30)


def whiten_in_span(
    rows: Float[Tensor, "row width"], relative_damping: float, gram: Float[Tensor, "row row"] | None = None
) -> Float[Tensor, "row width"]:
    """P (F + d I)^-1 computed as (P P^T + d I)^-1 P: cheap if there are fewer rows than columns. `gram` is P P^T,
    if it is known already."""
    wide = rows.double()
    gram = wide @ wide.T if gram is None else gram
    damping = damping_of(float(gram.trace()), min(rows.shape), relative_damping)
    damped = gram.clone()
    damped.diagonal().add_(damping)
    return torch.cholesky_solve(wide, torch.linalg.cholesky(damped)).float()


def in_span(
    gram: Float[Tensor, "row row"], weights: Float[Tensor, "query row"], relative_damping: float
) -> Float[Tensor, "query row"]:
    """For each query's weights alpha, the beta for which the transformed rows add up to the shortest w with <w, p> =
    alpha for every row p.

    w = P^T K^-1 alpha with K = P P^T, and P^T = A (K + d I) for the transformed rows A = (F + d I)^-1 P^T, hence
    w = A beta with beta = alpha + d K^-1 alpha. Repeated rows make K singular: d / 100 is added to its diagonal.
    """
    wide = gram.double()
    damping = damping_of(float(wide.trace()), wide.shape[0], relative_damping)
    factor = torch.linalg.cholesky(wide + 0.01 * damping * torch.eye(wide.shape[0], dtype=torch.float64))
    alpha = weights.double().T
    return (alpha + damping * torch.cholesky_solve(alpha, factor)).T.float()


def gram_of(rows: Float[Tensor, "row width"]) -> Float[Tensor, "row row"]:
    """P P^T in float64."""
    wide = rows.double()
    return wide @ wide.T
