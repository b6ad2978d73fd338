"""The distribution of the scores of all pairs for one answer, and the one that the null expects."""

import math

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.levels.null import Null, spread_of
from whence.types import Distribution, Unit

BINS = 41
"""Largest number of bins."""
ROWS = 4_000
"""Rows over which the null is summed at most; of more, evenly spaced ones represent all."""


def distribution_of(scores: Float[ndarray, " train"], null: Null, unit: Unit) -> Distribution:
    """The histogram of an answer's scores, and the counts that the null expects.

    Under the null a row's score has the row's location, and its scale times the spread of this answer's scores: the
    same distribution as for p-values. `null` is the sum over the rows of the probability of each bin.
    """
    edges = edges_of(scores)
    counts, _ = np.histogram(scores.astype(np.float64), edges)
    expected = expected_counts(edges, null, spread_in(scores, null))
    return Distribution(
        tuple(map(float, edges)), tuple(map(int, counts)), tuple(round(float(n), 4) for n in expected), unit
    )


def edges_of(scores: Float[ndarray, " train"]) -> Float[ndarray, " edge"]:
    """The edges of at most `BINS` bins of equal width that contain all scores; 0 is one of them.

    The width is a power of two, so that the narrower bins of one answer nest in the wider ones of another.
    """
    low, high = min(0.0, float(scores.min())), max(0.0, float(scores.max()))
    width = 2.0 ** math.floor(math.log2((high - low) / BINS)) if high > low else 1.0
    while math.ceil(high / width) - math.floor(low / width) > BINS:
        width *= 2
    first, last = math.floor(low / width), max(math.ceil(high / width), 1 if low == 0 else 0)
    return np.arange(first, last + 1) * width


def expected_counts(edges: Float[ndarray, " edge"], null: Null, spread: float) -> Float[ndarray, " bin"]:
    """The number of rows that the null expects in each bin."""
    count = null.location.size
    rows = np.arange(count) if count <= ROWS else np.linspace(0, count - 1, ROWS).round().astype(int)
    location, scale = null.location[rows].astype(np.float64), null.scale[rows].astype(np.float64) * spread
    below = null.below((edges[None] - location[:, None]) / scale[:, None])
    return np.diff(below, axis=1).sum(axis=0) * (count / rows.size)


def spread_in(scores: Float[ndarray, " train"], null: Null) -> float:
    """The spread of an answer's standardised scores, at least 1."""
    return float(spread_of(((scores - null.location) / null.scale)[None])[0])
