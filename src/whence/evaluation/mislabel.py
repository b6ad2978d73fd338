"""Mislabelled pairs: does self-influence find pairs with wrong answers?

    self(i) = score of pair i for its own text      the larger, the more suspicious

A pair that nothing else in the data supports has to be learned from itself alone (Koh & Liang 2017, arXiv:1703.04730,
section 5.4; Pruthi et al. 2020, arXiv:2002.08484, section 4.1). The AUC is the chance that a wrong pair comes before a
sound one; its standard error is Hanley & McNeil's (1982, eq. 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from whence.core.statistics import roc_auc
from whence.errors import DataError
from whence.evaluation.scorers import Scorer
from whence.gradients.subject import Subject
from whence.methods.self_influence import self_influence
from whence.retraining.means import Mean
from whence.types import Report, silent


@dataclass(frozen=True)
class Mislabelled:
    """The rows with wrong answers and the number of all rows; `made`: by swapping answers, in a separate run."""

    rows: tuple[int, ...]
    of: int
    made: bool

    def __post_init__(self) -> None:
        if not 0 < len(set(self.rows)) < self.of or not all(0 <= row < self.of for row in self.rows):
            raise DataError(
                f"Mislabelled pairs must be some of the run's {self.of}, not all of them (found {len(set(self.rows))}, "
                f"rows up to {max(self.rows, default=-1)}). Name their lines."
            )

    @property
    def mask(self) -> Bool[ndarray, " train"]:
        """True for each row with a wrong answer."""
        return np.isin(np.arange(self.of), self.rows)


def auc(suspicion: Float[ndarray, " train"], wrong: Bool[ndarray, " train"]) -> Mean:
    """Return the area under the ROC curve, ties counting one half, with its standard error."""
    area, bad, good = roc_auc(suspicion, wrong), int(wrong.sum()), int((~wrong).sum())
    one, other = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (bad - 1) * (one - area**2) + (good - 1) * (other - area**2)
    return Mean(area, float(np.sqrt(max(spread, 0.0) / (bad * good))), bad)


def found_wrong(
    scorers: Sequence[Scorer], subject: Subject, known: Mislabelled, report: Report = silent
) -> dict[str, Mean]:
    """Return the AUC of each scorer."""
    return {
        s.name: auc(self_influence(subject, partial(s.scores, subject), s.name, report), known.mask) for s in scorers
    }
