"""The null: the scores of each training example for answers unrelated to the data.

Per row: location and scale over the control queries; for all rows together: the distribution of the standardised
values, with fitted tails. A score's p-value is the null's probability of one at least as large.
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
"""The least number of control queries for a null."""
POOL = 200_000
"""Standardised values stored at most."""
SHRINKAGE = 8.0
"""Weight of the common scale against a row's own, in number of controls."""
LEAST_LIFT = 1.0
"""Nats below which the lift is too small to explain, independent of the controls."""


@runtime_checkable
class Law(Protocol):
    """The distribution of scores for unrelated answers."""

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
        """The least lift in nats of an answer of `tokens` that counts: the 0.9 quantile of the control answers' lift
        per token, times the tokens, and at least `LEAST_LIFT`.

        Answers to control questions have some lift because the fine-tuned model generates them.
        """
        return max(LEAST_LIFT, self.usual_drift * tokens)

    @property
    def usual_drift(self) -> float:
        """The 0.9 quantile of the control answers' lift per token, in nats."""
        return float(np.quantile(self.drift, 0.9))

    def p_values(self, scores: Float[ndarray, " train"]) -> tuple[Float[ndarray, " train"], Float[ndarray, " train"]]:
        """P(null >= score) and P(null <= score) of every row."""
        z = studentise(scores[None], self.location, self.scale)[0]
        return p_values(z, self.pooled, self.upper), p_values(-z, -self.pooled[::-1], self.lower)

    def below(self, z: Float[ndarray, "row edge"]) -> Float[ndarray, "row edge"]:
        """P(standardised value < z) for z ascending along the last axis: counted in the bulk, from the fitted tails
        beyond their thresholds, as for p-values."""
        counted = np.searchsorted(self.pooled, z, side="left") / self.pooled.size
        share = np.where(z > self.upper.threshold, 1 - self.upper.survival(z), counted)
        share = np.where(-z > self.lower.threshold, self.lower.survival(-z), share)
        # If many values are equal, as with word counts, count and fitted tail do not meet.
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
    """The null from the scores of control queries and the drift of their answers: the lift per token, in nats.

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
    # The tail's shape depends on its quantiles: a million values give it no better than the pool.
    kept = z if z.size <= POOL else z[np.linspace(0, z.size - 1, POOL).round().astype(int)]
    tails = fit_tail(kept), fit_tail(-kept[::-1])
    return Null(location, scale, kept.astype(np.float32), *tails, drift.astype(np.float32))


def location_scale(
    scores: Float[ndarray, "control train"],
) -> tuple[Float[ndarray, " train"], Float[ndarray, " train"]]:
    """Each row's location and scale over the controls; a row's own scale is shrunk towards the common one, since few
    controls determine it poorly. In float32, as they are stored: a loaded null gives the results of a fitted one."""
    location, own = robust_location_scale(scores.T.astype(np.float64))
    count = scores.shape[0]
    common = float(np.median(own)) or float(np.std(scores)) or 1.0
    scale = np.sqrt((count * own**2 + SHRINKAGE * common**2) / (count + SHRINKAGE))
    return location.astype(np.float32), scale.astype(np.float32)


def held_out(scores: Float[ndarray, "control train"]) -> Float[ndarray, "control train"]:
    """Each control's standardised scores against the location and scale of the *other* controls, as for a new
    query: against their own, controls would look less extreme than any new query."""
    count = scores.shape[0]
    return np.concatenate(
        [studentise(scores[i : i + 1], *location_scale(np.delete(scores, i, axis=0))) for i in range(count)]
    )


def studentise(
    scores: Float[ndarray, "query train"], location: Float[ndarray, " train"], scale: Float[ndarray, " train"]
) -> Float[ndarray, "query train"]:
    """Scores in units of their row's null, and of the query's own spread if that is wider: a long or unusual
    answer moves all rows alike, which is no evidence for any of them."""
    z = (scores - location) / scale
    return z / spread_of(z)[:, None]


def spread_of(z: Float[ndarray, "query train"]) -> Float[ndarray, " query"]:
    """The spread of each query's standardised scores, at least 1."""
    _, spread = robust_location_scale(z)
    return np.maximum(spread, 1.0)
