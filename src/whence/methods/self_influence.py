"""Self-influence: the score of every pair for its own text."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.gradients.subject import Subject
from whence.types import Progress, Query, Report, silent

BATCH = 64
"""Pairs per call: each is scored against all."""


def self_influence(
    subject: Subject,
    scores: Callable[[Sequence[Query]], Float[ndarray, "query train"]],
    name: str,
    report: Report = silent,
) -> Float[ndarray, " train"]:
    """The score of every pair for its own text. `scores` scores all pairs for queries; `name` is that of its method."""
    rows = range(len(subject.examples))
    parts: list[ndarray] = []
    step = f"{name} of each pair for itself"
    report(Progress(step, 0, len(rows), "pairs"))
    for start in rows[::BATCH]:
        chosen = rows[start : start + BATCH]
        found = scores([_own_text(subject, row) for row in chosen])
        parts.append(found[np.arange(len(chosen)), chosen])
        report(Progress(step, chosen.stop, len(rows), "pairs"))
    return np.concatenate(parts)


def _own_text(subject: Subject, row: int) -> Query:
    example = subject.examples[row]
    # The tokens are those that were trained on, cut where training cut them.
    return Query(example.id, example.messages, subject.examples.tokens(row))
