from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from whence.core.statistics import robust_location_scale
from whence.errors import MethodError
from whence.levels import null as rules
from whence.levels.null import FEWEST, LEAST_LIFT, Null, fit_null, studentise

TRAIN = 300
ROWS = np.random.default_rng(0)
LOCATION = ROWS.normal(size=TRAIN)
SCALE = np.exp(0.7 * ROWS.normal(size=TRAIN))


def draw(queries: int, seed: int, law: str = "normal") -> ndarray:
    """Scores of unrelated queries: every row with a location and a scale of its own."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(queries, TRAIN)) if law == "normal" else random.standard_t(4, size=(queries, TRAIN))
    return (LOCATION + SCALE * noise).astype(np.float32)


def fitted(controls: int = 48, seed: int = 1, law: str = "normal") -> Null:
    return fit_null(draw(controls, seed, law), np.linspace(-2, 3, controls))


def test_location_and_scale_are_the_rows_own():
    null = fitted(400)
    np.testing.assert_allclose(null.location, LOCATION, atol=0.35 * float(SCALE.max()))
    assert np.corrcoef(null.location, LOCATION)[0, 1] > 0.98
    assert np.corrcoef(np.log(null.scale), np.log(SCALE))[0, 1] > 0.98


def test_the_scale_is_drawn_to_the_common_one_by_its_written_out_weight():
    scores = draw(10, 0)
    _, own = robust_location_scale(scores.T.astype(float))
    common = np.median(own)
    np.testing.assert_allclose(fit_null(scores, np.zeros(10)).scale, ((10 * own**2 + 8 * common**2) / 18) ** 0.5, 1e-5)


@pytest.mark.parametrize("law", ["normal", "t"])
def test_p_values_of_unrelated_queries_are_uniform_on_both_sides(law: str):
    null = fitted(96, law=law)
    sides = [null.p_values(scores) for scores in draw(100, 2, law)]
    for p in (np.array([upper for upper, _ in sides]), np.array([lower for _, lower in sides])):
        for level, off in ((0.5, 0.05), (0.2, 0.1), (0.05, 0.2), (0.01, 0.4), (0.001, 1.0)):
            assert (p <= level).mean() == pytest.approx(level, rel=off)
        assert (p > 0).all()
        assert (p <= 1).all()


def test_a_pair_that_stands_out_gets_a_small_p_value_on_its_side_only():
    null, scores = fitted(), draw(1, 3)[0]
    scores[7], scores[8] = LOCATION[7] + 15 * SCALE[7], LOCATION[8] - 15 * SCALE[8]
    support, oppose = null.p_values(scores)
    assert support.argmin() == 7
    assert oppose.argmin() == 8
    assert max(support[7], oppose[8]) < 1e-3
    assert min(support[8], oppose[7]) > 0.99


def test_a_loaded_null_judges_exactly_like_the_fitted_one(tmp_path: Path):
    null, scores = fitted(), draw(1, 3)[0]
    null.save(tmp_path)
    loaded = Null.load(tmp_path)
    for found, expected in zip(loaded.p_values(scores), null.p_values(scores), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert (loaded.upper, loaded.lower, loaded.usual_drift) == (null.upper, null.lower, null.usual_drift)


def test_too_few_controls_are_refused():
    with pytest.raises(MethodError, match=rf"at least {FEWEST} control queries, not {FEWEST - 1}"):
        fitted(FEWEST - 1)
    fitted(FEWEST)


def test_an_answer_that_moves_all_rows_alike_makes_none_a_source():
    null, scores = fitted(96), draw(1, 3)
    plain, _ = null.p_values(scores[0])
    wild, _ = null.p_values((LOCATION + 20 * (scores[0] - LOCATION)).astype(np.float32))
    assert (wild < 0.001).sum() <= (plain < 0.001).sum() + 1


def test_studentised_scores_are_the_written_out_ones():
    scores = np.array([[1.0, 2.0, 3.0], [10.0, 40.0, 90.0]])
    location, scale = np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0])
    narrow = [0.0, 0.5, 1.0]  # spread 1.4826 × 0.5 is less than 1, so it is left
    wide = [9.0, 19.5, 88.0]  # median 19.5, deviations 10.5, 0, 68.5
    expected = np.array([narrow, np.array(wide) / (1.4826 * 10.5)])
    np.testing.assert_allclose(studentise(scores, location, scale), expected)


def test_a_pool_too_large_is_thinned_from_end_to_end(monkeypatch: pytest.MonkeyPatch):
    whole = fitted()
    monkeypatch.setattr(rules, "POOL", 1000)
    thin, scores = fitted(), draw(1, 3)[0]
    assert thin.pooled.size == 1000
    assert (thin.pooled[0], thin.pooled[-1]) == (whole.pooled[0], whole.pooled[-1])
    assert (np.diff(thin.pooled) >= 0).all()
    for found, expected in zip(thin.p_values(scores), whole.p_values(scores), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_controls_that_score_nothing_at_all_still_make_a_null():
    null = fit_null(np.zeros((10, 5), np.float32), np.zeros(10))
    support, oppose = null.p_values(np.zeros(5, np.float32))
    assert (support == 1).all()
    assert (oppose == 1).all()
    sparse = np.zeros((20, 50), np.float32)
    sparse[3, 4] = 2.0
    support, _ = fit_null(sparse, np.zeros(20)).p_values(np.eye(50, dtype=np.float32)[0] * 50)
    assert support.argmin() == 0
    assert (support[1:] == 1).all()


def test_the_needed_lift_is_what_nine_of_ten_controls_stay_under_a_token_but_never_less_than_a_nat():
    null = fit_null(draw(11, 0), np.linspace(0.0, 1.0, 11))
    assert null.usual_drift == pytest.approx(0.9)
    assert null.needed_lift(20) == pytest.approx(18.0)
    assert fit_null(draw(20, 0), np.full(20, -3.0)).needed_lift(20) == LEAST_LIFT
