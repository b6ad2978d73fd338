from itertools import product

import numpy as np
import pytest

from whence.errors import DataError
from whence.evaluation.mislabel import Mislabelled, auc


def counted(suspicion: np.ndarray, wrong: np.ndarray) -> float:
    """Pairs of a wrong and a sound row in which the wrong one is more suspicious."""
    pairs = list(product(suspicion[wrong], suspicion[~wrong]))
    return sum(1.0 if bad > good else 0.5 if bad == good else 0.0 for bad, good in pairs) / len(pairs)


def test_the_area_is_the_share_of_pairs_in_order():
    draw = np.random.default_rng(2)
    for _ in range(20):
        suspicion, wrong = draw.integers(6, size=15).astype(float), draw.random(15) < 0.3
        wrong[:2] = True, False
        assert auc(suspicion, wrong).value == pytest.approx(counted(suspicion, wrong))


def test_the_error_is_about_that_of_drawing_again():
    draw, wrong = np.random.default_rng(3), np.arange(60) < 12
    drawn = [auc(draw.standard_normal(60) + wrong, wrong) for _ in range(400)]
    assert drawn[0].error is not None
    assert np.mean([one.error or 0 for one in drawn]) == pytest.approx(np.std([one.value for one in drawn]), rel=0.15)


@pytest.mark.parametrize("rows", [(), (0, 1, 2), (3,), (-1,)])
def test_some_pairs_must_be_wrong_but_not_all(rows: tuple[int, ...]):
    with pytest.raises(DataError, match="some of the run's 3"):
        Mislabelled(rows, 3, made=False)
    assert Mislabelled((2, 0), 3, made=False).mask.tolist() == [True, False, True]
