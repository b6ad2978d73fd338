import numpy as np
import pytest

from tests.retraining.test_likelihoods import QUERIES
from whence.evaluation.removal import first_rows, removal_subsets, removals
from whence.evaluation.study import found_first
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset, without
from whence.training.run import Run

SCORES = np.array([[0.5, 2.0, 2.0, -1.0], [3.0, 0.0, 1.0, 2.0]])


def test_the_first_rows_are_the_largest_scores():
    assert first_rows(SCORES[0], 3) == [1, 2, 0]
    assert first_rows(SCORES[1], 9) == [0, 3, 2, 1]


def test_a_retraining_is_known_by_what_it_leaves_out():
    assert without(4, [2, 0], 7) == Subset((1, 3), 7) == without(4, [0, 2], 7)
    subsets = removal_subsets({"one": SCORES, "other": SCORES[::-1]}, (1, 2), 7)
    assert len(subsets) == 8
    assert subsets["one", 0, 2] == subsets["other", 1, 2] == without(4, [1, 2], 7)
    assert len(set(subsets.values())) == 4


def test_changes_are_those_of_each_retraining_less_the_runs_own(learned: Run, models: RetrainedModels):
    scores = -np.eye(12)[:2]
    scores[:, 3] = 1
    subsets = removal_subsets({"third": scores, "same": scores}, (1,), 3)
    assert set(subsets.values()) == {without(12, [3], 3)}
    Retrainings(learned).fill(list(subsets.values()))
    found = removals(models, subsets, QUERIES[:2], (1,))
    (row,) = models.under([without(12, [3], 3)], QUERIES[:2])
    change = row - models.own(QUERIES[:2])
    assert found["third"] == found["same"]
    assert found["third"].removed == (1,)
    assert found["third"].changes[0].value == pytest.approx(change.mean())
    assert found["third"].changes[0].error == pytest.approx(abs(change[0] - change[1]) / 2)


def test_sources_count_where_they_are_known():
    found = found_first(SCORES, [(3,), (3, 1)], first=2)
    assert found is not None
    assert (found.value, found.count) == (0.5, 2)
    half = found_first(SCORES, [(), (1,)], first=2)
    assert half is not None
    assert (half.value, half.count, half.error) == (0, 1, None)
    assert found_first(SCORES, [(), ()]) is None
