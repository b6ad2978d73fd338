"""Removal curves: how far does an answer move when the model is retrained without a method's first pairs?

    change(q, k) = log p(answer; trained without the first k pairs) - log p(answer; the run)      in nats

The run's own weights are those of a retraining on all pairs. Below 0: the pairs supported the answer. Removing random
pairs shows how far any answer moves by chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.means import Mean, mean_of
from whence.retraining.subsets import Subset, without
from whence.types import Query, Report, silent


@dataclass(frozen=True)
class Removal:
    """The mean change over the questions, in nats, for each number of pairs removed."""

    removed: tuple[int, ...]
    changes: tuple[Mean, ...]


def first_rows(scores: Float[ndarray, " train"], count: int) -> list[int]:
    """Return the `count` rows with the largest scores, largest first; ties in row order."""
    return np.argsort(-scores, kind="stable")[:count].tolist()


def removal_subsets(
    scores: Mapping[str, Float[ndarray, "query train"]], counts: Sequence[int], seed: int
) -> dict[tuple[str, int, int], Subset]:
    """Return the subset for each method, query and number of pairs removed. Equal rows share a retraining."""
    return {
        (name, query, count): without(len(row), first_rows(row, count), seed)
        for name, rows in scores.items()
        for query, row in enumerate(rows)
        for count in counts
    }


def removals(
    models: RetrainedModels,
    subsets: Mapping[tuple[str, int, int], Subset],
    queries: Sequence[Query],
    counts: Sequence[int],
    report: Report = silent,
) -> dict[str, Removal]:
    """Return the removal curve of each method. All retrainings must be finished."""
    distinct = list(dict.fromkeys(subsets.values()))
    place = {subset: row for row, subset in enumerate(distinct)}
    change = models.under(distinct, queries, report) - models.own(queries)
    found: dict[str, Removal] = {}
    for name in dict.fromkeys(name for name, _, _ in subsets):
        means = (
            mean_of([change[place[subsets[name, query, count]], query] for query in range(len(queries))])
            for count in counts
        )
        found[name] = Removal(tuple(counts), tuple(means))
    return found
