"""Why this answer rather than another one to the same question: the null of a difference of scores.

    contrast(A, B, i) = score(A, i) - score(B, i)        lift(A, B) = lift(A) - lift(B)

The lift of a contrast is what fine-tuning contributed to log p(A) - log p(B). If neither answer is related to a
pair, both scores are draws from the row's null: the locations cancel and the variances add, so the difference has
location 0 and scale sqrt(2) times the row's. Two answers to one question are similar, so their difference is narrower
than that of two controls: p-values of contrasts are conservative. The distribution of the standardised difference is
taken from the controls, each against the next, with both signs, so that swapping A and B mirrors the result.
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
    """The null of differences of two answers' scores."""
    z = np.sort(_held_out(thinned(controls.scores)).ravel())
    both = np.sort(np.concatenate([-z, z])).astype(np.float32)
    tail = fit_tail(both)
    return Null(np.zeros_like(null.location), BOTH * null.scale, both, tail, tail, null.drift)


def control_contrasts(controls: ControlScores, null: Null) -> ControlScores:
    """Each control minus the next one, the last minus the first; `null` is that of contrasts."""
    differences = controls.scores - np.roll(controls.scores, -1, axis=0)
    return ControlScores(differences, spread_of(differences / null.scale).astype(np.float32))


def lift_of_contrast(one: Lift, other: Lift, null: Null) -> Lift:
    """The lift of one answer minus that of the other, in nats; `tokens` counts those of both."""
    needed = needed_lift(null.drift, one.tokens, other.tokens)
    return Lift(one.fine_tuned - other.fine_tuned, one.base - other.base, one.tokens + other.tokens, needed)


def needed_lift(drift: Float[ndarray, " control"], tokens: int, others: int) -> float:
    """The least lift of a contrast in nats: the 0.9 quantile over contrasts of two control answers of these lengths,
    and at least `LEAST_LIFT`."""
    between = tokens * drift[:, None] - others * drift[None, :]
    return max(LEAST_LIFT, float(np.quantile(between[~np.eye(len(drift), dtype=bool)], 0.9)))


def _held_out(scores: Float[ndarray, "control train"]) -> Float[ndarray, "control train"]:
    """Each control against the next, standardised by the scales of all other controls, as a new contrast will be."""
    parts: list[ndarray] = []
    for i, j in zip(range(len(scores)), np.roll(range(len(scores)), -1), strict=True):
        _, scale = location_scale(np.delete(scores, (i, j), axis=0))
        z = (scores[i : i + 1] - scores[j : j + 1]) / (BOTH * scale)
        parts.append(z / spread_of(z)[:, None])
    return np.concatenate(parts)
