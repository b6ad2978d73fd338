import numpy as np
import pytest
from scipy import stats

from whence.retraining.means import ConfidenceInterval, confidence_interval, signed


@pytest.mark.parametrize("count", [2, 3, 7])
def test_the_interval_is_that_of_students_law(count: int):
    numbers = np.random.default_rng(count).normal(3, 2, count)
    found = confidence_interval(numbers.tolist())
    low, high = stats.t.interval(0.95, count - 1, loc=numbers.mean(), scale=stats.sem(numbers))
    assert (found.mean, found.low, found.high) == pytest.approx((numbers.mean(), low, high))
    assert found.each == tuple(numbers)


def test_it_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(1.5, 3, (600, 3))
    found = [confidence_interval(row.tolist()) for row in draws]
    share = np.mean([e.low is not None and e.high is not None and e.low <= 1.5 <= e.high for e in found])
    assert share == pytest.approx(0.95, abs=0.03)


def test_one_number_has_no_interval():
    assert confidence_interval([2.0]) == ConfidenceInterval((2.0,), 2.0, None, None)
    assert str(confidence_interval([2.0])) == "2.0"


def test_people_read_a_minus_sign_and_no_negative_zero():
    assert [signed(value) for value in (31.04, -0.456, -0.001, 0.0, -12.0)] == [
        "31.0",
        "−0.46",
        "0.00",
        "0.00",
        "−12.0",
    ]
    assert str(ConfidenceInterval((1.0, 3.0), 2.0, -10.7, 14.7)) == "2.0 (−10.7 to 14.7)"
