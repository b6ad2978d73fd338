import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy import ndarray
from scipy import stats

from whence.core.statistics import Tail, benjamini_hochberg, fit_tail, p_values, robust_location_scale

PROBABILITIES = st.lists(st.floats(0, 1), max_size=40).map(lambda found: np.array(found, dtype=float))
RATES = st.sampled_from([0.01, 0.05, 0.1, 0.3])
SAMPLES = arrays(float, st.integers(1, 300), elements=st.floats(-1e3, 1e3, width=16))
LAWS = {"normal": stats.norm(), "t": stats.t(4), "exponential": stats.expon(), "uniform": stats.uniform()}


def written_out(p: ndarray, rate: float) -> list[bool]:
    """Let k be the largest k for which the k-th smallest p is at most k/m rate; reject the k smallest."""
    bound = -1.0
    for k, value in enumerate(sorted(p), start=1):
        if value <= rate * k / len(p):
            bound = value
    return [bool(value <= bound) for value in p]


def fitted(law: str, count: int, seed: int = 0) -> tuple[ndarray, Tail]:
    null = np.sort(LAWS[law].rvs(count, random_state=np.random.default_rng(seed)))
    return null, fit_tail(null)


@given(PROBABILITIES, RATES)
def test_discoveries_are_those_of_the_definition(p: ndarray, rate: float):
    assert benjamini_hochberg(p, rate).tolist() == written_out(p, rate)


def test_discoveries_of_a_known_case():
    # Benjamini & Hochberg 1995, section 3.2, the thrombolysis example: the first four at 5 %.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    assert benjamini_hochberg(np.array([*p, 0.7590, 1.0]), 0.05).tolist() == [True] * 4 + [False] * 11


@given(PROBABILITIES, RATES, st.randoms(use_true_random=False))
def test_discoveries_do_not_depend_on_the_order(p: ndarray, rate: float, random):
    order = list(range(p.size))
    random.shuffle(order)
    assert benjamini_hochberg(p[order], rate).tolist() == benjamini_hochberg(p, rate)[order].tolist()


@given(PROBABILITIES, RATES)
def test_a_higher_rate_only_adds_discoveries_and_none_exceeds_it(p: ndarray, rate: float):
    found, more = benjamini_hochberg(p, rate), benjamini_hochberg(p, min(1.0, 2 * rate))
    assert not (found & ~more).any()
    assert (p[found] <= rate).all()
    assert (found >= (p <= rate / max(p.size, 1))).all()  # at least Bonferroni's


@given(PROBABILITIES.filter(len), RATES)
def test_a_smaller_p_value_never_costs_a_discovery(p: ndarray, rate: float):
    smaller = p.copy()
    smaller[0] /= 2
    assert not (benjamini_hochberg(p, rate) & ~benjamini_hochberg(smaller, rate)).any()


def test_the_rate_of_false_discoveries_is_held():
    random = np.random.default_rng(0)
    z = random.normal(size=(400, 200))
    z[:, :20] += 3
    shares = []
    for row in stats.norm.sf(z):
        found = benjamini_hochberg(row, 0.2)
        shares.append(found[20:].sum() / max(found.sum(), 1))
    assert np.mean(shares) == pytest.approx(0.2 * 0.9, abs=0.02)  # the rate times the share of true nulls


@pytest.mark.parametrize("law", LAWS)
def test_p_values_of_the_null_are_uniform(law: str):
    p = []
    for seed in range(20):
        null, tail = fitted(law, 5000, seed)
        p.append(p_values(LAWS[law].rvs(5000, random_state=np.random.default_rng(100 + seed)), null, tail))
    for level, off in ((0.5, 0.02), (0.2, 0.04), (0.05, 0.1), (0.01, 0.2)):
        assert (np.array(p) <= level).mean() == pytest.approx(level, rel=off)
    assert (np.array(p) <= 0.001).mean() < 0.0015  # a tail lighter than exponential makes them too large here


@pytest.mark.parametrize("law", ["normal", "t", "exponential"])
def test_the_tail_reaches_beyond_the_sample(law: str):
    null, tail = fitted(law, 20_000)
    z = LAWS[law].isf(1e-5)
    assert 2e-6 < p_values(np.array([z]), null, tail)[0] < 2e-4


@settings(max_examples=50)
@given(SAMPLES, st.floats(1e-3, 0.5))
def test_any_sample_has_a_tail_and_p_values_that_never_increase(values: ndarray, share: float):
    null = np.sort(values)
    tail = fit_tail(null, share)
    z = np.sort(np.concatenate([null, np.linspace(null[0] - 1, null[-1] + 10 * (np.ptp(null) + 1), 200)]))
    p = p_values(z, null, tail)
    assert tail.shape >= 0
    assert tail.scale > 0
    assert (np.diff(p) <= 0).all()
    assert (p > 0).all()
    assert (p <= 1).all()
    assert (p[z <= null[0]] == 1).all()


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("count", [300, 5000])
def test_the_tail_is_monotone_and_continuous_at_its_threshold(law: str, count: int):
    null, tail = fitted(law, count)
    z = np.linspace(tail.threshold, tail.threshold + 50, 500)
    assert tail.survival(z)[0] == tail.weight
    assert (np.diff(tail.survival(z)) <= 0).all()
    at, beyond = p_values(tail.threshold + np.array([0.0, 1e-9]), null, tail)
    assert at == pytest.approx(0.05, abs=2 / count)
    assert at - beyond <= 2 / count


def test_the_tail_is_the_written_out_law():
    tail = Tail(threshold=2.0, weight=0.05, shape=0.25, scale=0.5)
    z = np.array([2.0, 3.0, 7.0])
    np.testing.assert_allclose(tail.survival(z), 0.05 * (1 + 0.25 * (z - 2) / 0.5) ** -4)
    straight = Tail(threshold=2.0, weight=0.05, shape=0.0, scale=0.5)
    np.testing.assert_allclose(straight.survival(z), 0.05 * np.exp(-(z - 2) / 0.5))


def test_a_bounded_tail_is_taken_for_an_exponential_one():
    null, tail = fitted("uniform", 2000)
    assert tail.shape == 0
    assert p_values(np.array([1.05]), null, tail)[0] > 0


@pytest.mark.parametrize("count", [1, 2, 9, 40, 199])
def test_a_small_sample_gives_p_values_that_stay_above_zero_within_reach(count: int):
    null, tail = fitted("normal", count)
    assert tail.shape == 0
    p = p_values(np.array([-10.0, float(null[-1]), float(null[-1]) + tail.scale]), null, tail)
    assert p[0] == 1
    assert 0 < p[2] <= p[1]


def test_ties_count_as_at_least_as_large():
    null = np.array([0.0, 0.0, 0.0, 1.0])
    p = p_values(np.array([0.0, 0.5]), null, Tail(2.0, 0.05, 0.0, 1.0))
    np.testing.assert_allclose(p, [1.0, 2 / 5])


@given(arrays(float, st.integers(1, 30), elements=st.floats(-100, 100)), st.floats(-10, 10), st.floats(0.1, 10))
def test_location_and_scale_follow_shifts_and_units(values: ndarray, shift: float, unit: float):
    location, scale = robust_location_scale(values)
    moved = robust_location_scale(shift + unit * values)
    np.testing.assert_allclose(moved[0], shift + unit * location, atol=1e-9)
    np.testing.assert_allclose(moved[1], unit * scale, atol=1e-9)


def test_location_and_scale_are_those_of_each_row():
    location, scale = robust_location_scale(np.array([[1.0, 2.0, 9.0], [4.0, 4.0, 4.0]]))
    np.testing.assert_allclose(location, [2.0, 4.0])
    np.testing.assert_allclose(scale, [1.4826, 0.0])


def test_the_scale_of_a_normal_law_is_its_deviation_and_outliers_do_not_move_it():
    values = np.random.default_rng(0).normal(3, 2, size=20_001)
    values[:200] = 1e6
    location, scale = robust_location_scale(values)
    assert location == pytest.approx(3, abs=0.1)
    assert scale == pytest.approx(2, abs=0.1)
