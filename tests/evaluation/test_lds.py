import numpy as np
import pytest
from scipy.stats import spearmanr

from whence.evaluation.lds import RESAMPLES, bootstrap, ceiling, kept_rows, lds, predictions, resamples, spearman


@pytest.fixture
def numbers() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(4)
    found = draw.standard_normal((24, 6)).round(1)  # with ties
    return found + draw.standard_normal((24, 6)), found


def test_correlations_are_those_of_scipy_one_by_one(numbers: tuple[np.ndarray, np.ndarray]):
    one, other = numbers
    wanted = [spearmanr(one[:, q], other[:, q]).statistic for q in range(6)]
    assert spearman(one, other).tolist() == pytest.approx(wanted)


def test_the_ceiling_is_what_perfect_scores_would_reach():
    draw = np.random.default_rng(7)
    common, chance = draw.standard_normal((64, 200)), draw.standard_normal((2, 64, 200))
    one, other = common + chance
    again, perfect = spearman(other, one).mean(), spearman(common, one).mean()
    assert perfect > again + 0.15
    assert ceiling(float(again)) == pytest.approx(perfect, abs=0.02)
    assert ceiling(-0.1) == 0


def test_what_never_changes_predicts_nothing():
    assert spearman(np.ones((5, 1)), np.arange(5.0)[:, None]).tolist() == [0]
    assert spearman(np.arange(5.0)[:, None], np.ones((5, 1))).tolist() == [0]


def test_a_prediction_is_the_sum_of_the_scores_of_the_kept_rows():
    scores = np.array([[1.0, 2.0, 4.0], [0.5, -1.0, 0.0]], np.float32)
    kept = kept_rows([(0, 2), (1,), ()], 3)
    assert kept.tolist() == [[True, False, True], [False, True, False], [False, False, False]]
    wanted = [[sum(float(row[i]) for i in part) for row in scores] for part in [(0, 2), (1,), ()]]
    assert predictions(kept, scores) == pytest.approx(np.array(wanted))


def test_sums_of_the_same_numbers_in_another_order_are_ties():
    draw = np.random.default_rng(0)
    row = np.tile(draw.standard_normal(6).astype(np.float32), 2)
    parts = [np.where(draw.random(6) < 0.5, np.arange(6), np.arange(6, 12)) for _ in range(40)]
    assert len(set(predictions(kept_rows([part.tolist() for part in parts], 12), row[None])[:, 0].tolist())) == 1


def test_the_mean_is_over_queries_and_of_each_kind(numbers: tuple[np.ndarray, np.ndarray]):
    kinds = ["paraphrase", "wrong", "paraphrase", "wrong", "wrong", "held-out"]
    found = lds(*numbers, kinds)
    each = np.array([spearmanr(a, b).statistic for a, b in zip(numbers[0].T, numbers[1].T, strict=True)])
    assert found.each == pytest.approx(each)
    assert found.overall.mean == pytest.approx(each.mean())
    assert {kind: score.questions for kind, score in found.by_kind.items()} == {
        "paraphrase": 2,
        "wrong": 3,
        "held-out": 1,
    }
    assert found.by_kind["wrong"].mean == pytest.approx(each[[1, 3, 4]].mean())
    assert found.by_kind["held-out"].over_questions is None


def test_the_errors_are_the_spread_over_resamples(numbers: tuple[np.ndarray, np.ndarray]):
    one, other = numbers
    found = lds(one, other, ["training"] * 6).overall
    again = [
        np.mean([spearmanr(one[drawn, q], other[drawn, q]).statistic for q in range(6)]) for drawn in resamples(24)
    ]
    assert found.over_retrainings == pytest.approx(np.std(again, ddof=1))
    each = spearman(one, other)
    assert found.over_questions == pytest.approx(np.std([each[drawn].mean() for drawn in resamples(6)], ddof=1))
    assert found.over_questions == pytest.approx(each.std(ddof=0) / 6**0.5, rel=0.2)


def test_the_bootstrap_knows_the_error_of_a_mean():
    values = np.random.default_rng(0).standard_normal(50)
    assert bootstrap(lambda drawn: float(values[drawn].mean()), 50) == pytest.approx(values.std() / 50**0.5, rel=0.15)
    assert bootstrap(lambda drawn: 0.0, 1) is None
    assert resamples(7).shape == (RESAMPLES, 7)


def test_a_perfect_prediction_scores_one_and_its_reverse_minus_one():
    found = np.random.default_rng(1).standard_normal((16, 3))
    assert lds(np.exp(found), found, ["training"] * 3).overall.mean == pytest.approx(1)
    assert lds(-found, found, ["training"] * 3).overall.mean == pytest.approx(-1)
