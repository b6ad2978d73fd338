"""Scores of the pairs for each other's answers, from a finished index alone: no gradient is computed again.

At checkpoint c let K = P P^T be the Gram matrix of the pairs' rows, which the default method keeps, and Delta_c the
pairs' own changes. The score of pair j for the text of pair i is then

    score(i, j) = sum over c of H_c[i, j] Delta_c,j        H_c = K (K + d I)^-1

the numbers of a search with the pairs' own texts as queries, up to the rounding of the rows.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.ridge import damping_of


@runtime_checkable
class HasPairScores(Protocol):
    """A method whose index alone gives the pairs' scores for each other."""

    def pair_scores(self, folder: Path) -> Float[ndarray, "text train"] | None:
        """The score of every pair for every pair's own text; None if the index was too large to store what it takes."""
        ...


def pair_scores(
    grams: Iterable[Float[Tensor, "train train"]],
    changes: Float[Tensor, "train checkpoint"],
    rank: int,
    damping: float,
) -> Float[ndarray, "text train"]:
    """The score of every pair for every pair's own text. `rank`: that of the inverted matrix; `damping`: relative to
    the mean eigenvalue."""
    total = torch.zeros(len(changes), len(changes), dtype=torch.float64)
    for c, gram in enumerate(grams):
        wide = gram.double()
        damped = wide + damping_of(float(wide.trace()), rank, damping) * torch.eye(len(wide), dtype=torch.float64)
        weights = torch.cholesky_solve(wide, torch.linalg.cholesky(damped))
        total += weights.T * changes[:, c].double()
    return total.float().numpy()
