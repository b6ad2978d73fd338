"""MAGIC: the exact derivative of an answer through the whole recorded training, to check estimates against.

    score(q, i) = d log p(answer_q; end of training) / d w_i    at w = 1      in nats per unit of presence

where w_i is how much pair i counts in every step that it is part of (`whence.retraining.replay`): to first order the
answer's log-probability falls by score(q, i) when pair i is left out of a training that is otherwise the same, in the
same order. Ilyas & Engstrom 2025, arXiv:2504.16430, by reverse-mode differentiation through every step as in
Engstrom et al. 2025, arXiv:2503.13751.

Nothing is indexed: the training is replayed once, forward and back, for all queries of a call.

A derivative predicts a removal only if training is smooth. So the same call splits the pairs into eight random parts,
replays the training without each of them in turn, and compares the derivative's prediction with the actual change. If
they do not agree, an error replaces the scores: a derivative of a rough function predicts nothing.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from safetensors.torch import load_file
from torch import Tensor

from whence.core.adamw import State
from whence.errors import MethodError
from whence.gradients.subject import Subject, query_tokens
from whence.gradients.trajectory import Trajectory
from whence.retraining.replay import Replay, Tick, replay_of, slopes
from whence.training.run import Run
from whence.types import Progress, Query, Report, silent

PARTS = 8
"""Random parts that the pairs are split into; each is left out once, so that every pair is."""
NEEDED = 0.9
"""The least correlation of predicted and actual changes at which a training counts as smooth."""


@dataclass(frozen=True)
class Smoothness:
    """Predicted and replayed changes of log p(answer), in nats, for each query and part left out. `drift`: the distance
    of the replay's end, in float32, from the recorded weights, as a share of the distance from start to end."""

    predicted: Float[ndarray, "query removal"]
    actual: Float[ndarray, "query removal"]
    drift: float

    @property
    def agreement(self) -> float:
        """The correlation of predicted and actual changes, over all queries and parts; 0 where there is none."""
        pairs = np.stack([self.predicted.ravel(), self.actual.ravel()]).astype(np.float64)
        if not np.isfinite(pairs).all() or not pairs.std(axis=1).all():
            return 0.0
        predicted, actual = pairs - pairs.mean(axis=1, keepdims=True)
        return float(predicted @ actual / np.sqrt((predicted @ predicted) * (actual @ actual)))

    @property
    def explained(self) -> float:
        """The share of the squared actual changes that was predicted: 1 for exact predictions, else less."""
        missed = self.actual.astype(np.float64) - self.predicted
        return 1 - float((missed**2).sum() / max((self.actual.astype(np.float64) ** 2).sum(), 1e-300))

    @property
    def smooth(self) -> bool:
        """True if derivatives of this training predict removals."""
        return self.agreement >= NEEDED


@dataclass(frozen=True)
class ExactDerivative:
    """The derivative of every query's log p(answer) in every pair's presence, in nats, and how smooth training was."""

    influence: Float[ndarray, "query train"]
    smoothness: Smoothness

    def require_smooth(self) -> "ExactDerivative":
        """Return this derivative.

        Raises:
            MethodError: the training was not smooth.
        """
        if not self.smoothness.smooth:
            raise MethodError(
                "The exact derivative needs a smooth training: predicted and actual changes must correlate at "
                f"{NEEDED} or more when pairs are left out (found {self.smoothness.agreement:.2f}). Fine-tune again "
                "with `whence train --smooth`, or use another method."
            )
        return self


def exact_influence(run: Run, queries: Sequence[Query], report: Report = silent) -> Float[ndarray, "query train"]:
    """d log p(answer) / d presence of every training pair for every query, float32, in nats; positive supports.

    Raises:
        MethodError: the training was not smooth, so the derivative would predict nothing; or there is no query.
        TrainingError: the training cannot be replayed: see `replay_of`.
    """
    return exact_derivative(run, queries, report).require_smooth().influence


def smoothness(run: Run, queries: Sequence[Query], report: Report = silent) -> Smoothness:
    """Measure how well the derivatives of these queries predict the effect of leaving out random parts of the pairs.

    Raises:
        MethodError: there is no query.
        TrainingError: the training cannot be replayed: see `replay_of`.
    """
    return exact_derivative(run, queries, report).smoothness


def exact_derivative(run: Run, queries: Sequence[Query], report: Report = silent, seed: int = 0) -> ExactDerivative:
    """Compute derivatives and smoothness: one replay forward and back, and one forward for each part left out.

    Raises:
        MethodError: there is no query.
        TrainingError: the training cannot be replayed: see `replay_of`.
    """
    if not queries:
        raise MethodError("An exact derivative needs at least one query (found none). Name a question and its answer.")
    replay, path = replay_of(run, report)
    start, asked = replay.begin(), query_tokens(Subject(run.examples, path), queries)
    chosen = parts(len(run.examples), seed)
    tick = _ticking(report, (2 + len(chosen)) * len(replay.steps))
    found = slopes(replay, start, asked, tick)
    left = [replay.end(start, _without(replay, rows), tick) for rows in chosen]
    predicted = torch.stack([-found.derivative[:, rows].sum(1) for rows in chosen], 1)
    actual = torch.stack([replay.log_probabilities(end.weights, asked) - found.values for end in left], 1)
    smooth = Smoothness(_array(predicted), _array(actual), _drift(path, replay, start, found.end))
    return ExactDerivative(_array(found.derivative), smooth)


def parts(rows: int, seed: int) -> list[list[int]]:
    """Split the rows into `PARTS` random parts of similar size, or into single rows if there are fewer."""
    order = random.Random(seed).sample(range(rows), rows)
    return [sorted(order[first::PARTS]) for first in range(min(PARTS, rows))]


def _without(replay: Replay, rows: Sequence[int]) -> Float[Tensor, " train"]:
    presence = replay.everyone()
    presence[list(rows)] = 0
    return presence


def _drift(path: Trajectory, replay: Replay, start: State, end: State) -> float:
    """Return the distance of the replayed end from the recorded one, as a share of the distance trained."""
    recorded = replay.flat(load_file(path.end.weights))
    return float((end.weights - recorded).norm() / (recorded - start.weights).norm())


def _array(values: Tensor) -> Float[ndarray, "query column"]:
    return values.float().cpu().numpy()


def _ticking(report: Report, total: int) -> Tick:
    """Return a `Tick` that reports steps as progress."""
    done = count(1)
    report(Progress("exact derivative", 0, total, "steps"))
    return lambda: report(Progress("exact derivative", next(done), total, "steps"))
