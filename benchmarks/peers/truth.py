"""The truth by retraining, and how well scores predict it.

The linear datamodelling score (Ilyas et al. 2022, arXiv:2202.00622; Park et al. 2023, arXiv:2303.14186): for each
question, Spearman's correlation over the retrainings between log p(answer) and the sum of the scores of the pairs kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from benchmarks.peers.job import Question
from whence.evaluation.lds import kept_rows, predictions, spearman
from whence.gradients.likelihood import values_now
from whence.gradients.subject import Subject, query_tokens
from whence.models.adapter import put_weights
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset, random_subsets

FIRST = 3
CLEAR = 6.0
"""Standard errors from which a pair's effect on an answer is beyond doubt, even as the largest of about 100."""


@dataclass(frozen=True)
class Truth:
    """log p of every question's answer after each retraining, in nats, and the pairs that each retraining kept."""

    kept: Bool[ndarray, "retraining train"]
    values: Float[ndarray, "retraining query"]

    def save(self, path: Path) -> None:
        """Write it as `kept` and `log_probabilities`."""
        np.savez_compressed(path, kept=self.kept, log_probabilities=self.values.astype(np.float32))


def made(bank: Retrainings, most: int = 256) -> list[Subset]:
    """The random halves in a bank, in the order in which they were drawn."""
    draws = random_subsets(len(bank.run.examples), most, 1, bank.run.manifest.config["seed"])
    missing = set(bank.missing(draws))
    return [draw for draw in draws if draw not in missing]


def truth(bank: Retrainings, subject: Subject, asked: Sequence[Question], draws: Sequence[Subset]) -> Truth:
    """Every answer's log-probability under every retraining: forward passes only. The model is restored."""
    items, path = query_tokens(subject, [question.query for question in asked]), subject.trajectory
    values = np.empty((len(draws), len(items)), dtype=np.float32)
    for row, draw in enumerate(draws):
        put_weights(path.model, bank.weights(draw))
        path.at = -1
        values[row] = values_now(path, items, subject.compute).numpy()
    path.move_to(path.last)
    return Truth(kept_rows([draw.kept for draw in draws], len(subject.examples)), values)


def correlations(scores: Float[ndarray, "query train"], found: Truth) -> Float[ndarray, " query"]:
    """Spearman's correlation of each question; 0 if scores predict the same for every retraining."""
    return spearman(predictions(found.kept, scores), found.values)


@dataclass(frozen=True)
class Estimate:
    """A mean with its standard error, both over questions and retrainings."""

    mean: float
    error: float


def lds(scores: Float[ndarray, "query train"], found: Truth, rows: Sequence[int]) -> Estimate:
    """The mean correlation of some questions.

    The squared standard error is that over questions (they are a sample) plus that over retrainings (a jackknife).
    """
    chosen = Truth(found.kept, found.values[:, rows])
    each = correlations(scores[rows], chosen)
    count = len(found.kept)
    left = np.array([correlations(scores[rows], _without(chosen, i)).mean() for i in range(count)])
    over_retrainings = (count - 1) / count * ((left - left.mean()) ** 2).sum()
    over_questions = each.var(ddof=1) / len(rows) if len(rows) > 1 else 0.0
    return Estimate(float(each.mean()), float(np.sqrt(over_questions + over_retrainings)))


def _without(found: Truth, row: int) -> Truth:
    return Truth(np.delete(found.kept, row, 0), np.delete(found.values, row, 0))


def effects(found: Truth) -> Float[ndarray, "query train"]:
    """The effect of keeping a pair on an answer's log-probability, in standard errors: Welch's t over the
    retrainings."""
    kept, values = found.kept.astype(np.float64), found.values.astype(np.float64).T
    with_it, without = _moments(kept, values), _moments(1 - kept, values)
    return (with_it[0] - without[0]) / np.sqrt(np.maximum(with_it[1] + without[1], 1e-12))


def _moments(
    chosen: Float[ndarray, "retraining train"], values: Float[ndarray, "query retraining"]
) -> tuple[ndarray, ndarray]:
    """Mean of the values over the chosen retrainings, and its squared standard error, for every question and pair."""
    count = chosen.sum(0)
    mean = values @ chosen / count
    return mean, (values**2 @ chosen / count - mean**2) / (count - 1)


def main_causes(found: Truth) -> list[int | None]:
    """The pair that retraining names as each answer's main cause; None if there is none beyond doubt."""
    return [int(row.argmax()) if row.max() >= CLEAR else None for row in effects(found)]


def cause_recall(scores: Float[ndarray, "query train"], causes: Sequence[int | None]) -> Estimate:
    """The share of the answers with a main cause that have it among the first three."""
    lines = zip(causes, scores, strict=True)
    return _share([cause in _first(line) for cause, line in lines if cause is not None])


def causes_among_sources(causes: Sequence[int | None], asked: Sequence[Question], kind: str) -> int:
    """The number of questions of a kind whose main cause by retraining is a pair that states the answer."""
    lines = zip(causes, asked, strict=True)
    return sum(q.kind == kind and cause is not None and cause + 1 in q.sources for cause, q in lines)


def recall(scores: Float[ndarray, "query train"], asked: Sequence[Question], kind: str) -> Estimate:
    """The share of the questions of a kind with a source pair among the first three."""
    lines = zip(scores, asked, strict=True)
    return _share([any(row + 1 in q.sources for row in _first(line)) for line, q in lines if q.kind == kind])


def _first(scores: Float[ndarray, " train"]) -> ndarray:
    return np.argsort(-scores, kind="stable")[:FIRST]


def _share(hits: Sequence[bool]) -> Estimate:
    if not hits:
        return Estimate(float("nan"), float("nan"))
    share = sum(hits) / len(hits)
    return Estimate(share, float(np.sqrt(share * (1 - share) / len(hits))))
