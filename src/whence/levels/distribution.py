"""How the scores of all pairs are spread for one answer, and how they would be if nothing had caused it."""

import math

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.levels.null import Null, spread_of
from whence.types import Distribution

BINS = 41
"""Bins at most."""
ROWS = 4_000
"""Rows of which the null is added up at most; of more, evenly chosen ones stand for all."""
WIDTHS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
"""What a bin's width may be, times a power of ten: its ends are read by people."""


def distribution_of(scores: Float[ndarray, " train"], null: Null, unit: str) -> Distribution:
    """The histogram of an answer's scores, and what the null expects of it.

    A row without a cause scores as its location and scale say, times the spread of this answer's own scores: the law
    by which its p-value is reckoned. `null` is the sum over the rows of the chance to fall into a bin.
    """
    edges = edges_of(scores)
    counts, _ = np.histogram(scores.astype(np.float64), edges)
    expected = expected_counts(edges, null, spread_in(scores, null))
    return Distribution(
        tuple(map(float, edges)), tuple(map(int, counts)), tuple(round(float(n), 4) for n in expected), unit
    )


def edges_of(scores: Float[ndarray, " train"]) -> Float[ndarray, " edge"]:
    """The ends of at most `BINS` bins of one round width that hold all scores; 0 is one of them."""
    low, high = min(0.0, float(scores.min())), max(0.0, float(scores.max()))
    width = _round_width(low, high)
    first, last = math.floor(low / width), max(math.ceil(high / width), 1 if low == 0 else 0)
    # Division tells the place of a bin from whole numbers: sums of widths would drift off their round values.
    return np.array([float(f"{place * width:.12g}") for place in range(first, last + 1)])


def expected_counts(edges: Float[ndarray, " edge"], null: Null, spread: float) -> Float[ndarray, " bin"]:
    """How many rows the null expects in each bin."""
    count = null.location.size
    rows = np.arange(count) if count <= ROWS else np.linspace(0, count - 1, ROWS).round().astype(int)
    location, scale = null.location[rows].astype(np.float64), null.scale[rows].astype(np.float64) * spread
    below = null.below((edges[None] - location[:, None]) / scale[:, None])
    return np.diff(below, axis=1).sum(axis=0) * (count / rows.size)


def spread_in(scores: Float[ndarray, " train"], null: Null) -> float:
    """How widely an answer's standardised scores spread; 1 where that is less."""
    return float(spread_of(((scores - null.location) / null.scale)[None])[0])


def _round_width(low: float, high: float) -> float:
    least = (high - low) / BINS
    if least == 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    # The range need not begin at a bin's end, so that it may touch one bin more than its length says.
    return next(
        width
        for width in (power * step for step in (*WIDTHS, 15, 20))
        if math.ceil(high / width) - math.floor(low / width) <= BINS
    )
