from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from whence.errors import ArtifactError
from whence.levels import control_scores
from whence.levels.contrast import contrast_null, control_contrasts, lift_of_contrast, needed_lift
from whence.levels.control_scores import ControlScores, thinned
from whence.levels.null import LEAST_LIFT, Null, fit_null
from whence.types import Lift

TRAIN = 200
ROWS = np.random.default_rng(0)
LOCATION = ROWS.normal(size=TRAIN)
SCALE = np.exp(0.7 * ROWS.normal(size=TRAIN))


def draw(queries: int, seed: int) -> ndarray:
    random = np.random.default_rng(seed)
    return (LOCATION + SCALE * random.standard_t(5, size=(queries, TRAIN))).astype(np.float32)


def fitted(count: int = 48, seed: int = 1) -> tuple[ControlScores, Null]:
    scores = draw(count, seed)
    return ControlScores.of(scores), fit_null(scores, np.zeros(count))


def test_p_values_of_contrasts_of_unrelated_answers_are_uniform():
    null = contrast_null(*fitted(96))
    p = np.array([null.p_values(row) for row in draw(100, 2) - draw(100, 3)])
    for side in (p[:, 0], p[:, 1]):
        for level, off in ((0.5, 0.05), (0.2, 0.1), (0.05, 0.2), (0.01, 0.4)):
            assert (side <= level).mean() == pytest.approx(level, rel=off)


def test_variances_add_and_locations_cancel_out():
    kept, null = fitted()
    found = contrast_null(kept, null)
    np.testing.assert_array_equal(found.location, np.zeros(TRAIN))
    np.testing.assert_allclose(found.scale**2, 2 * null.scale**2, rtol=1e-6)


def test_the_mirrored_contrast_has_the_other_sides_p_values():
    null, difference = contrast_null(*fitted()), draw(1, 2)[0] - draw(1, 3)[0]
    one, other = null.p_values(difference), null.p_values(-difference)
    np.testing.assert_array_equal(one[0], other[1])
    np.testing.assert_array_equal(one[1], other[0])


def test_an_answer_against_itself_stands_out_nowhere():
    support, oppose = contrast_null(*fitted()).p_values(np.zeros(TRAIN, np.float32))
    assert min(support.min(), oppose.min()) > 0.4


def test_control_contrasts_are_each_control_less_the_next():
    kept, null = fitted(8)
    found = control_contrasts(kept, contrast_null(kept, null)).scores
    for i in range(8):
        np.testing.assert_allclose(found[i], kept.scores[i] - kept.scores[(i + 1) % 8])


def test_the_needed_lift_is_what_nine_of_ten_contrasts_of_controls_stay_under():
    drift = np.linspace(0.0, 1.0, 11)
    between = [20 * a - 5 * b for i, a in enumerate(drift) for j, b in enumerate(drift) if i != j]
    assert needed_lift(drift, 20, 5) == pytest.approx(np.quantile(between, 0.9))
    assert needed_lift(np.zeros(8), 20, 5) == LEAST_LIFT


def test_the_lift_of_a_contrast_is_the_difference_of_the_two():
    _, null = fitted()
    one, other = Lift(-2.0, -10.0, 4, 0.0), Lift(-7.0, -9.0, 3, 0.0)
    found = lift_of_contrast(one, other, null)
    assert (found.total, found.fine_tuned, found.base, found.tokens) == (6.0, 5.0, -1.0, 7)
    assert lift_of_contrast(other, one, null).total == -6.0
    assert lift_of_contrast(one, one, null).total == 0.0


def test_control_scores_are_kept_to_the_precision_of_float16(tmp_path: Path):
    kept, null = fitted()
    kept.save(tmp_path, null)
    loaded = ControlScores.load(tmp_path, null)
    np.testing.assert_allclose((loaded.scores - kept.scores) / null.scale, 0, atol=0.02)
    np.testing.assert_array_equal(loaded.spread, kept.spread)


def test_control_scores_beyond_float16_stay_finite(tmp_path: Path):
    scores = draw(8, 1)
    scores[0, 0] = 1e9
    null = fit_null(scores, np.zeros(8))
    ControlScores.of(scores).save(tmp_path, null)
    assert np.isfinite(ControlScores.load(tmp_path, null).scores).all()


def test_an_index_without_control_scores_says_to_build_it_again(tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"has no controls.safetensors.*build the index again"):
        ControlScores.load(tmp_path, fitted()[1])


def test_of_many_rows_some_are_taken_from_end_to_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(control_scores, "POOL", 40)
    scores = draw(8, 1)
    found = thinned(scores)
    assert found.shape == (8, 5)
    np.testing.assert_array_equal(found[:, [0, -1]], scores[:, [0, -1]])
    assert thinned(scores[:, :5]).shape == (8, 5)
