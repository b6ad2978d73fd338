"""Why this answer rather than another one to the same question: the null of a difference of scores.

    contrast(A, B, i) = score(A, i) - score(B, i)        lift(A, B) = lift(A) - lift(B)

The lift of a contrast is what fine-tuning contributed to log p(A) - log p(B). Where neither answer has to do with a
pair, both scores are draws from the row's null: the location cancels out, and variances add, so that the difference
has location 0 and scale sqrt(2) times the row's. Two answers to one question are alike, hence their difference is
narrower than that of two controls: p-values of contrasts are on the safe side. The law of the standardised
difference is taken from the controls, each against the next; of either sign, so that B rather than A is the mirror.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.core.statistics import fit_tail
from whence.levels.control_scores import ControlScores, thinned
from whence.levels.null import LEAST_LIFT, Null, location_scale, spread_of
from whence.types import Lift

BOTH = 2**0.5
"""Variances add: the scale of a difference in scales of its two terms."""


def contrast_null(controls: ControlScores, null: Null) -> Null:
    """What differences of two answers' scores look like where no pair has to do with either."""
    z = np.sort(_held_out(thinned(controls.scores)).ravel())
    both = np.sort(np.concatenate([-z, z])).astype(np.float32)
    tail = fit_tail(both)
    return Null(np.zeros_like(null.location), BOTH * null.scale, both, tail, tail, null.drift)


def control_contrasts(controls: ControlScores, null: Null) -> ControlScores:
    """Each control less the next one, round in a circle; `null` is that of contrasts."""
    differences = controls.scores - np.roll(controls.scores, -1, axis=0)
    return ControlScores(differences, spread_of(differences / null.scale).astype(np.float32))


def lift_of_contrast(one: Lift, other: Lift, null: Null) -> Lift:
    """What fine-tuning contributed to one answer and not to the other, in nats; `tokens` counts those of both."""
    needed = needed_lift(null.drift, one.tokens, other.tokens)
    return Lift(one.fine_tuned - other.fine_tuned, one.base - other.base, one.tokens + other.tokens, needed)


def needed_lift(drift: Float[ndarray, " control"], tokens: int, others: int) -> float:
    """The least lift of a contrast in nats: what nine of ten contrasts of two control answers stay under, were they of
    so many tokens, and at least `LEAST_LIFT`."""
    between = tokens * drift[:, None] - others * drift[None, :]
    return max(LEAST_LIFT, float(np.quantile(between[~np.eye(len(drift), dtype=bool)], 0.9)))


def _held_out(scores: Float[ndarray, "control train"]) -> Float[ndarray, "control train"]:
    """Each control against the next, standardised by the scales of all the others, as a new contrast will be."""
    found: list[ndarray] = []
    for i, j in zip(range(len(scores)), np.roll(range(len(scores)), -1), strict=True):
        _, scale = location_scale(np.delete(scores, (i, j), axis=0))
        z = (scores[i : i + 1] - scores[j : j + 1]) / (BOTH * scale)
        found.append(z / spread_of(z)[:, None])
    return np.concatenate(found)
