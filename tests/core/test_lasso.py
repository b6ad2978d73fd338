import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy import ndarray

from whence.core.lasso import follow, lasso, leaving

PENALTIES = st.sampled_from([0.0, 0.01, 0.1, 0.5])
CASES = st.tuples(st.integers(2, 12), st.integers(1, 9)).flatmap(
    lambda size: st.tuples(
        arrays(float, size, elements=st.integers(0, 1)), arrays(float, (size[0], 2), elements=st.integers(-3, 3))
    )
)
"""Columns of zeros and ones, many of them alike, and targets with many ties: all that could lead a path astray."""


def standard(design: ndarray) -> ndarray:
    """The columns that vary, centred and scaled."""
    centred = design - design.mean(0)
    return centred[:, centred.std(0) > 0] / centred.std(0)[centred.std(0) > 0]


def violation(design: ndarray, target: ndarray, weights: ndarray, penalty: float) -> float:
    """How far the optimality conditions of the LASSO are missed: the only test of an optimum, whatever found it."""
    covariance = design.T @ (target - design @ weights) / len(target)
    used = np.abs(covariance - penalty * np.sign(weights))
    unused = np.maximum(np.abs(covariance) - penalty, 0)
    return float(np.where(weights != 0, used, unused).max(initial=0.0))


def by_descent(design: ndarray, target: ndarray, penalty: float) -> ndarray:
    """The slow and obvious way: each weight in turn at its best, the others as they are, two thousand times over."""
    weights = np.zeros(design.shape[1])
    for _ in range(2000):
        for j, column in enumerate(design.T):
            others = target - design @ weights + column * weights[j]
            best = column @ others / len(target)
            weights[j] = np.sign(best) * max(abs(best) - penalty, 0)
    return weights


def every_choice(sources: int) -> ndarray:
    """All rows of zeros and ones: an orthogonal design once it is centred."""
    return np.array([[row >> bit & 1 for bit in range(sources)] for row in range(2**sources)], dtype=float)


@given(CASES, PENALTIES)
def test_weights_meet_the_conditions_of_the_optimum_even_where_columns_repeat(case: tuple[ndarray, ndarray], penalty):
    design, targets = standard(case[0]), case[1] - case[1].mean(0)
    for target in targets.T:
        assert violation(design, target, follow(design, target, penalty), penalty) < 1e-8


@pytest.mark.parametrize(("rows", "columns"), [(64, 20), (64, 64), (32, 200), (256, 100)])
def test_weights_meet_the_conditions_at_the_sizes_in_use(rows: int, columns: int):
    random = np.random.default_rng(rows + columns)
    design = standard(random.random((rows, columns)) < 0.5)
    target = design[:, :5].sum(1) + random.normal(size=rows)
    target -= target.mean()
    weights = follow(design, target, 0.01)
    assert violation(design, target, weights, 0.01) < 1e-10
    assert 5 <= np.count_nonzero(weights) < min(rows, columns + 1)


def test_weights_are_those_of_coordinate_descent():
    random = np.random.default_rng(0)
    design = standard(random.random((30, 8)) < 0.5)
    target = random.normal(size=30)
    target -= target.mean()
    for penalty in (0.0, 0.01, 0.1, 0.2):
        np.testing.assert_allclose(follow(design, target, penalty), by_descent(design, target, penalty), atol=1e-9)


@given(arrays(float, 8, elements=st.floats(-5, 5, width=16)), PENALTIES)
def test_an_orthogonal_design_shrinks_each_weight_by_itself(target: ndarray, penalty: float):
    design = standard(every_choice(3))
    alone = design.T @ (target - target.mean()) / 8
    expected = np.sign(alone) * np.maximum(np.abs(alone) - penalty, 0)
    np.testing.assert_allclose(follow(design, target - target.mean(), penalty), expected, atol=1e-8)


def test_without_a_penalty_it_is_least_squares_with_an_intercept():
    random = np.random.default_rng(1)
    design, targets = random.normal(3, 2, (40, 6)), random.normal(1, 1, (40, 3))
    expected = np.linalg.lstsq(np.column_stack([design, np.ones(40)]), targets)[0][:-1]
    np.testing.assert_allclose(lasso(design, targets, 0.0), expected, atol=1e-8)


def test_weights_are_in_the_units_of_the_columns():
    random = np.random.default_rng(2)
    design, targets = random.normal(size=(40, 3)), random.normal(size=(40, 1))
    scaled = lasso(design * [1, 10, 0.1] + [0, 5, -7], targets - 3, 0.05)
    np.testing.assert_allclose(scaled * [[1], [10], [0.1]], lasso(design, targets, 0.05), atol=1e-9)


def test_a_column_that_never_varies_weighs_nothing():
    design = np.column_stack([np.ones(8), every_choice(3)[:, 0], np.zeros(8)])
    weights = lasso(design, design[:, 1:2] * 4, 0.01)
    assert weights[[0, 2], 0].tolist() == [0, 0]
    assert weights[1, 0] == pytest.approx(4 - 0.01 / 0.5)  # the penalty is paid on the scaled column


def test_a_target_that_never_varies_leaves_all_weights_at_zero():
    assert not lasso(every_choice(3), np.full((8, 1), 0.3), 0.0).any()
    assert lasso(np.zeros((5, 0)), np.ones((5, 2)), 0.1).shape == (0, 2)


def test_all_weights_are_zero_from_the_largest_covariance_on():
    design = standard(every_choice(4))
    target = np.random.default_rng(3).normal(size=16)
    target -= target.mean()
    largest = np.abs(design.T @ target / 16).max()
    assert not follow(design, target, largest).any()
    assert np.count_nonzero(follow(design, target, largest * 0.999)) == 1


def test_weights_leave_that_move_towards_zero_or_join_on_the_wrong_side():
    steps = leaving(
        np.array([1.0, -1.0, 2.0, 0.0, 0.0, 0.0]),
        np.array([-0.5, -1.0, 0.0, 1.0, 1.0, 1.0]),
        np.array([1.0, -1.0, 1.0, 1.0, -1.0, 0.0]),
    )
    assert steps.tolist() == [2.0, np.inf, np.inf, np.inf, 0.0, np.inf]


def test_ties_between_columns_do_not_lead_the_path_astray():
    for seed in (9612, 11134, 11448, 12394, 14148, 22280):  # in each, two columns join at once, one on the wrong side
        random = np.random.default_rng(seed)
        rows, columns = random.integers(2, 14), random.integers(1, 14)
        design = standard(random.integers(0, 2, (rows, columns)).astype(float))
        target = random.integers(-3, 4, rows).astype(float)
        target -= target.mean()
        for penalty in (0.01, 0.1, 0.3):
            assert violation(design, target, follow(design, target, penalty), penalty) < 1e-8
