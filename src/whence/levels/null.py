"""The null: how each training example scores on answers that have nothing to do with the data.

Kept for every row: location and scale over the control queries; kept for all rows together: the law of the
standardised values, with fitted tails. A score's p-value is the null's probability of one at least as large.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from safetensors.numpy import load_file, save_file

from whence.core.statistics import Tail, fit_tail, p_values, robust_location_scale
from whence.errors import MethodError
from whence.store.artifact import write_json

FEWEST = 8
"""Control queries below which no null is fitted."""
POOL = 200_000
"""Standardised values kept at most."""
SHRINKAGE = 8.0
"""How many controls' worth of weight the common scale gets beside a row's own."""
LEAST_LIFT = 1.0
"""Nats below which fine-tuning made no difference worth explaining, whatever the controls say."""


@runtime_checkable
class Law(Protocol):
    """What scores look like when there is nothing to find."""

    def p_values(self, scores: Float[ndarray, " item"]) -> tuple[Float[ndarray, " item"], Float[ndarray, " item"]]:
        """P(null >= score) and P(null <= score) of every item: a row, or a group of rows."""
        ...


@dataclass(frozen=True)
class Null:
    """The fitted null of one index."""

    location: Float[ndarray, " train"]
    scale: Float[ndarray, " train"]
    pooled: Float[ndarray, " null"]
    upper: Tail
    lower: Tail
    drift: Float[ndarray, " control"]

    def needed_lift(self, tokens: int) -> float:
        """The least lift in nats that counts for an answer of so many tokens: what nine of ten control answers stay
        under, token for token, and at least `LEAST_LIFT`.

        Answers to control questions move a little, too, since it is the changed model that gives all of them.
        """
        return max(LEAST_LIFT, self.usual_drift * tokens)

    @property
    def usual_drift(self) -> float:
        """The lift a token, in nats, that nine of ten control answers stay under."""
        return float(np.quantile(self.drift, 0.9))

    def p_values(self, scores: Float[ndarray, " train"]) -> tuple[Float[ndarray, " train"], Float[ndarray, " train"]]:
        """P(null >= score) and P(null <= score) of every row."""
        z = studentise(scores[None], self.location, self.scale)[0]
        return p_values(z, self.pooled, self.upper), p_values(-z, -self.pooled[::-1], self.lower)

    def below(self, z: Float[ndarray, "row edge"]) -> Float[ndarray, "row edge"]:
        """P(standardised value < z) of values that rise along the last axis: counted in the bulk, from the fitted
        tails beyond their thresholds, as p-values are."""
        counted = np.searchsorted(self.pooled, z, side="left") / self.pooled.size
        share = np.where(z > self.upper.threshold, 1 - self.upper.survival(z), counted)
        share = np.where(-z > self.lower.threshold, self.lower.survival(-z), share)
        # Where many values are the same, as those of word counts, count and fitted tail do not meet.
        return np.maximum.accumulate(np.clip(share, 0.0, 1.0), axis=-1)

    def save(self, folder: Path) -> None:
        """Write the null beside the index."""
        arrays = {"location": self.location, "scale": self.scale, "pooled": self.pooled, "drift": self.drift}
        save_file(
            {name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()}, folder / "null.safetensors"
        )
        write_json(folder / "null.json", {"upper": asdict(self.upper), "lower": asdict(self.lower)})

    @staticmethod
    def load(folder: Path) -> "Null":
        """The null that `save` wrote."""
        tails = json.loads((folder / "null.json").read_text("utf-8"))
        return Null(
            **load_file(folder / "null.safetensors"), upper=Tail(**tails["upper"]), lower=Tail(**tails["lower"])
        )


def fit_null(scores: Float[ndarray, "control train"], drift: Float[ndarray, " control"]) -> Null:
    """The null from the scores of control queries and the drift of their answers: the lift a token, in nats.

    Raises:
        MethodError: fewer than `FEWEST` control queries.
    """
    if scores.shape[0] < FEWEST:
        raise MethodError(
            f"A null needs the scores of at least {FEWEST} control queries, not {scores.shape[0]}: the model left the "
            "others unanswered. Check that it generates text."
        )
    location, scale = location_scale(scores)
    z = np.sort(held_out(scores).ravel())
    # The tail's shape is a matter of its quantiles: a million values say no more of it than the pool.
    kept = z if z.size <= POOL else z[np.linspace(0, z.size - 1, POOL).round().astype(int)]
    tails = fit_tail(kept), fit_tail(-kept[::-1])
    return Null(location, scale, kept.astype(np.float32), *tails, drift.astype(np.float32))


def location_scale(
    scores: Float[ndarray, "control train"],
) -> tuple[Float[ndarray, " train"], Float[ndarray, " train"]]:
    """Each row's location and scale over the controls; a row's own scale is drawn towards the common one, since few
    controls say little about it. In float32, as they are stored: a loaded null judges like a fitted one."""
    location, own = robust_location_scale(scores.T.astype(np.float64))
    count = scores.shape[0]
    common = float(np.median(own)) or float(np.std(scores)) or 1.0
    scale = np.sqrt((count * own**2 + SHRINKAGE * common**2) / (count + SHRINKAGE))
    return location.astype(np.float32), scale.astype(np.float32)


def held_out(scores: Float[ndarray, "control train"]) -> Float[ndarray, "control train"]:
    """Each control's standardised scores against the location and scale of the *other* controls, as a new query's
    will be: against its own it would look tamer than any new query does."""
    count = scores.shape[0]
    return np.concatenate(
        [studentise(scores[i : i + 1], *location_scale(np.delete(scores, i, axis=0))) for i in range(count)]
    )


def studentise(
    scores: Float[ndarray, "query train"], location: Float[ndarray, " train"], scale: Float[ndarray, " train"]
) -> Float[ndarray, "query train"]:
    """Scores in units of their row's null, and of the query's own spread where that is wider: a long or unusual
    answer moves all rows alike, which makes none of them a source."""
    z = (scores - location) / scale
    return z / spread_of(z)[:, None]


def spread_of(z: Float[ndarray, "query train"]) -> Float[ndarray, " query"]:
    """How widely each query's standardised scores spread; 1 where that is less."""
    _, spread = robust_location_scale(z)
    return np.maximum(spread, 1.0)
