"""The null of sums: the summed scores of a set of pairs for answers unrelated to the data.

    score(q, G) = sum over i in G of score(q, i)

Rows of one set are correlated, so the variance of their sum is not the sum of their variances. It is estimated from
the controls: each control's scores are summed over the set. A set's own scale (1.4826 x median absolute deviation
over the controls) is shrunk towards that of independent rows, sqrt(sum of scale_i^2), with the weight of `SHRINKAGE`
controls. As for a single row, a query that moves all rows alike is divided by its spread, and each control is
standardised by the others; the standardised sums of all sets of a kind are pooled into one null.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.core.statistics import Tail, fit_tail, p_values, robust_location_scale
from whence.levels.control_scores import ControlScores
from whence.levels.null import SHRINKAGE, Null


@dataclass(frozen=True)
class GroupNull:
    """The fitted null of the sums over some sets; `spread` is that of the query's rows."""

    location: Float[ndarray, " group"]
    scale: Float[ndarray, " group"]
    pooled: Float[ndarray, " null"]
    upper: Tail
    lower: Tail
    spread: float = 1.0

    def p_values(self, scores: Float[ndarray, " group"]) -> tuple[Float[ndarray, " group"], Float[ndarray, " group"]]:
        """P(null >= score) and P(null <= score) of every set."""
        z = (scores - self.location) / self.scale / self.spread
        return p_values(z, self.pooled, self.upper), p_values(-z, -self.pooled[::-1], self.lower)

    def with_spread(self, spread: float) -> "GroupNull":
        """The null for a query whose rows have this spread."""
        return replace(self, spread=spread)


def group_sums(scores: Float[ndarray, "query train"], groups: list[ndarray]) -> Float[ndarray, "query group"]:
    """The sum of each query's scores over each set of rows."""
    return np.stack([scores[:, rows].sum(axis=1, dtype=np.float64) for rows in groups], axis=1)


def fit_group_null(controls: ControlScores, null: Null, groups: list[ndarray], mirrored: bool = False) -> GroupNull:
    """The null of sums over one or more sets of rows; `mirrored`: of contrasts, whose null is symmetric."""
    seen = group_sums(controls.scores, groups)
    alone = np.sqrt(group_sums(null.scale[None].astype(np.float64) ** 2, groups)[0])
    z = np.concatenate([_held_out(i, seen, alone, mirrored) for i in range(len(seen))]) / controls.spread[:, None]
    pooled = np.sort(np.concatenate([z, -z] if mirrored else [z]).ravel())
    tails = fit_tail(pooled), fit_tail(-pooled[::-1])
    return GroupNull(*_location_scale(seen, alone, mirrored), pooled, *tails)


def _held_out(control: int, seen: ndarray, alone: ndarray, mirrored: bool) -> Float[ndarray, "one group"]:
    location, scale = _location_scale(np.delete(seen, control, axis=0), alone, mirrored)
    return (seen[control : control + 1] - location) / scale


def _location_scale(
    seen: Float[ndarray, "control group"], alone: Float[ndarray, " group"], mirrored: bool
) -> tuple[Float[ndarray, " group"], Float[ndarray, " group"]]:
    location, own = robust_location_scale(seen.T)
    if mirrored:
        location, own = np.zeros_like(location), 1.4826 * np.median(np.abs(seen), axis=0)
    count = len(seen)
    return location, np.sqrt((count * own**2 + SHRINKAGE * alone**2) / (count + SHRINKAGE))
