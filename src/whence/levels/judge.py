"""Scores to levels: significant against the null, then large as a share of the answer's lift."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.core.statistics import benjamini_hochberg
from whence.levels.null import Law
from whence.types import Level


@dataclass(frozen=True)
class Cuts:
    """The least share of an answer that makes a pair `high`, `medium`, `low`; smaller shares are irrelevant.

    Chosen by retraining without pairs on one data set and checked on another (docs/trust.md): at a share of `high` or
    more, leaving out the pair always lowered the answer's log-probability, by 19 nats or more on average; below `low`
    no difference was found.
    """

    high: float = 0.20
    medium: float = 0.10
    low: float = 0.04

    def level(self, share: float) -> Level:
        """The level of a share."""
        if share >= self.high:
            return Level.HIGH
        if share >= self.medium:
            return Level.MEDIUM
        return Level.LOW if share >= self.low else Level.IRRELEVANT


@dataclass(frozen=True)
class Judgement:
    """One significant row. `share` is its part of the lift; negative for a row that opposes the answer."""

    row: int
    score: float
    share: float
    p_value: float
    level: Level


def judge(
    scores: Float[ndarray, " train"], null: Law, whole: float | None, rate: float, cuts: Cuts
) -> tuple[list[Judgement], list[Judgement]]:
    """The supporting and the opposing rows, the largest first, at false-discovery rate `rate`.

    `whole` is the denominator of shares: the lift in nats, or None for scores in other units, whose shares are of the
    sum of all significant scores.
    """
    support, oppose = null.p_values(scores)
    found = benjamini_hochberg(support, rate) & (scores > 0)
    against = benjamini_hochberg(oppose, rate) & (scores < 0)
    total = whole if whole is not None else float(scores[found].sum() or -scores[against].sum() or 1.0)
    judged = [
        [j for j in (_judgement(int(i), scores, p, total, cuts) for i in np.flatnonzero(rows)) if _counts(j)]
        for rows, p in ((found, support), (against, oppose))
    ]
    return sorted(judged[0], key=lambda j: -j.score), sorted(judged[1], key=lambda j: j.score)


def _judgement(row: int, scores: ndarray, p: ndarray, total: float, cuts: Cuts) -> Judgement:
    share = float(scores[row]) / total
    return Judgement(row, float(scores[row]), share, float(p[row]), cuts.level(abs(share)))


def _counts(judgement: Judgement) -> bool:
    return judgement.level is not Level.IRRELEVANT
