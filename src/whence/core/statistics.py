"""Tails, p-values and false-discovery rates: the probability of a score if the pair had no effect on the answer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from scipy import stats

TAIL = 0.05
"""The share of the null's values to which the tail is fitted."""


@dataclass(frozen=True)
class Tail:
    """An upper tail: a generalised Pareto distribution above `threshold`, which a share `weight` of the null exceeds.

    P(Z > z) = weight * (1 + shape * (z - threshold) / scale)^(-1/shape)   (Pickands 1975; Coles 2001, eq. 4.2)
    """

    threshold: float
    weight: float
    shape: float
    scale: float

    def survival(self, z: Float[ndarray, "..."]) -> Float[ndarray, "..."]:
        """P(Z > z) for values above the threshold."""
        excess = np.maximum(z - self.threshold, 0.0)
        return self.weight * stats.genpareto.sf(excess, self.shape, scale=self.scale)


def fit_tail(values: Float[ndarray, "null"], share: float = TAIL) -> Tail:
    """The upper tail of a sample. The shape is kept at or above 0 (never lighter than exponential): a bounded
    tail would make every score beyond the largest observed one impossible."""
    threshold = float(np.quantile(values, 1 - share))
    excess = values[values > threshold] - threshold
    if excess.size < 10 or excess.max() <= 0:
        return Tail(threshold, share, 0.0, max(float(np.std(values)), 1e-12))
    shape, _, scale = stats.genpareto.fit(excess, floc=0.0)
    if shape < 0:
        shape, scale = 0.0, float(excess.mean())
    return Tail(threshold, share, float(shape), float(scale))


def p_values(z: Float[ndarray, "row"], null: Float[ndarray, "null"], tail: Tail) -> Float[ndarray, "row"]:
    """P(null >= z): counted in the sorted `null` up to the tail's threshold, from the fitted tail above it.
    Never 0: no score is impossible."""
    above = null.size - np.searchsorted(null, z, side="left")
    counted = (above + 1) / (null.size + 1)
    p = np.where(z > tail.threshold, tail.survival(z), counted)
    return np.maximum(p, np.finfo(float).tiny)


def benjamini_hochberg(p: Float[ndarray, "row"], rate: float) -> Bool[ndarray, "row"]:
    """The rows that are discoveries at this false-discovery rate (Benjamini & Hochberg 1995, eq. 1)."""
    if p.size == 0:
        return np.zeros(0, dtype=bool)
    order = np.argsort(p, kind="stable")
    passed = p[order] <= rate * np.arange(1, p.size + 1) / p.size
    found = np.zeros(p.size, dtype=bool)
    if passed.any():
        found[order[: int(np.flatnonzero(passed)[-1]) + 1]] = True
    return found


def robust_location_scale(
    values: Float[ndarray, "*rest sample"],
) -> tuple[Float[ndarray, "*rest"], Float[ndarray, "*rest"]]:
    """Median and 1.4826 x median absolute deviation over the last axis (consistent for a normal distribution)."""
    location = np.asarray(np.median(values, axis=-1))
    spread = np.median(np.abs(values - location[..., None]), axis=-1)
    return location, np.asarray(1.4826 * spread)


def roc_auc(scores: Float[ndarray, "row"], positive: Bool[ndarray, "row"]) -> float:
    """The probability that a positive row scores above a negative one, ties counting half: the area under the ROC
    curve.

    From the sum R of the positive rows' ranks: (R - n (n + 1) / 2) / (n m), Mann & Whitney 1947.
    """
    n, m = int(positive.sum()), int((~positive).sum())
    ranks = np.asarray(stats.rankdata(scores))
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))
