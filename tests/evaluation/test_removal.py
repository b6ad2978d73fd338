import numpy as np
import pytest

from tests.retraining.test_values import QUERIES
from whence.evaluation.removal import draws_of, first_rows, removals
from whence.evaluation.sources import found_first
from whence.retraining.bank import Bank, Draw, without
from whence.retraining.values import Gauge
from whence.training.run import Run

SCORES = np.array([[0.5, 2.0, 2.0, -1.0], [3.0, 0.0, 1.0, 2.0]])


def test_the_first_rows_are_the_largest_scores():
    assert first_rows(SCORES[0], 3) == [1, 2, 0]
    assert first_rows(SCORES[1], 9) == [0, 3, 2, 1]


def test_a_retraining_is_known_by_what_it_leaves_out():
    assert without(4, [2, 0], 7) == Draw((1, 3), 7) == without(4, [0, 2], 7)
    draws = draws_of({"one": SCORES, "other": SCORES[::-1]}, (1, 2), 7)
    assert len(draws) == 8
    assert draws["one", 0, 2] == draws["other", 1, 2] == without(4, [1, 2], 7)
    assert len(set(draws.values())) == 4


def test_changes_are_those_of_each_retraining_less_the_runs_own(learned: Run, gauge: Gauge):
    scores = -np.eye(12)[:2]
    scores[:, 3] = 1
    draws = draws_of({"third": scores, "same": scores}, (1,), 3)
    assert set(draws.values()) == {without(12, [3], 3)}
    Bank(learned).fill(list(draws.values()))
    found = removals(gauge, draws, QUERIES[:2], (1,))
    (row,) = gauge.under([without(12, [3], 3)], QUERIES[:2])
    change = row - gauge.own(QUERIES[:2])
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
