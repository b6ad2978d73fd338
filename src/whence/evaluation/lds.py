"""The linear datamodelling score: do scores predict the answers of models trained on subsets of the pairs?

    predicted_j(q) = sum over the kept rows i of part j of score(q, i)
    LDS(q)         = Spearman correlation over the parts j of predicted_j(q) and log p_j(answer of q)

with log p_j under the model that was retrained on part j alone (Park et al. 2023, TRAK, arXiv:2303.14186, definition
2.3; the parts of Ilyas et al. 2022, arXiv:2202.00622). 1: the order of the retrained models is predicted; 0: nothing
is.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.stats import rankdata

RESAMPLES = 200
LEAST = 3
"""The least number of subsets for a correlation."""


@dataclass(frozen=True)
class Score:
    """A mean LDS. The standard errors are bootstrapped: over other questions, and over other retrainings; None for
    a single question."""

    mean: float
    over_questions: float | None
    over_retrainings: float
    questions: int


@dataclass(frozen=True)
class Lds:
    """The LDS of one method: over all questions, by kind, and of each question."""

    overall: Score
    by_kind: dict[str, Score]
    each: tuple[float, ...]


def predictions(
    kept: Bool[ndarray, "part train"], scores: Float[ndarray, "query train"]
) -> Float[ndarray, "part query"]:
    """Return the sum of each part's scores for each query, in float64; sums that differ by rounding only are equal."""
    wide = scores.astype(np.float64)
    scale = np.abs(wide).sum(1)
    scale[scale == 0] = 1
    return np.round(kept.astype(np.float64) @ (wide.T / scale), 12) * scale


def kept_rows(parts: Sequence[Sequence[int]], rows: int) -> Bool[ndarray, "part train"]:
    """Return a mask of the rows that each part keeps."""
    found = np.zeros((len(parts), rows), dtype=bool)
    for mask, part in zip(found, parts, strict=True):
        mask[list(part)] = True
    return found


def spearman(one: Float[ndarray, "part query"], other: Float[ndarray, "part query"]) -> Float[ndarray, " query"]:
    """Return Spearman's correlation over the parts for each query; 0 if either side is constant."""
    a, b = (_centred(rankdata(values, axis=0)) for values in (one, other))
    length = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return np.divide((a * b).sum(0), length, out=np.zeros(length.shape), where=length > 0)


def lds(predicted: Float[ndarray, "part query"], found: Float[ndarray, "part query"], kinds: Sequence[str]) -> Lds:
    """Return how well predictions agree with measured values; `kinds` has each query's kind.

    Both errors come from `RESAMPLES` resamples with a fixed seed: equal inputs give equal errors.
    """
    each = spearman(predicted, found)
    again = np.array([spearman(predicted[drawn], found[drawn]) for drawn in resamples(len(found))])
    places = {kind: [i for i, own in enumerate(kinds) if own == kind] for kind in dict.fromkeys(kinds)}
    by_kind = {kind: _score(each[which], again[:, which]) for kind, which in places.items()}
    return Lds(_score(each, again), by_kind, tuple(each.tolist()))


def ceiling(again: float) -> float:
    """Return the LDS of scores that perfectly predict what all seeds share, from that of a second retraining.

    Either retraining is what is common to them and chance of its own: two of them correlate at r, each with what is
    common at √r (Spearman 1904, The Proof and Measurement of Association between Two Things, on attenuation); nearly
    so for ranks.
    """
    return math.sqrt(max(again, 0.0))


def bootstrap(statistic: Callable[[Int[ndarray, " draw"]], float], count: int) -> float | None:
    """Return the standard error of a statistic of `count` items, its spread over resamples; None for one item."""
    if count < 2:
        return None
    return float(np.std([statistic(drawn) for drawn in resamples(count)], ddof=1))


def resamples(count: int) -> Int[ndarray, "resample draw"]:
    """So many things drawn with replacement, again and again; the same each time."""
    return np.random.default_rng(0).integers(count, size=(RESAMPLES, count))


def _centred(ranks: Float[ndarray, "part query"]) -> Float[ndarray, "part query"]:
    return ranks - ranks.mean(0)


def _score(each: Float[ndarray, " query"], again: Float[ndarray, "resample query"]) -> Score:
    over_questions = bootstrap(lambda drawn: float(each[drawn].mean()), len(each))
    return Score(float(each.mean()), over_questions, float(again.mean(1).std(ddof=1)), len(each))
