from decimal import Decimal, getcontext

import numpy as np
import pytest

from whence.context.ablate import draw
from whence.context.score import Scores
from whence.context.surrogate import CERTAIN, attributions, logit


@pytest.mark.parametrize("log_p", [-1e-7, -1e-5, -0.01, -0.5, -np.log(2), -0.7, -3.0, -40.0, -800.0, -1e4])
def test_the_logit_is_exact_from_certain_to_impossible(log_p: float):
    getcontext().prec = 60
    exact = Decimal(log_p) - (1 - Decimal(log_p).exp()).ln()
    assert logit(np.array([log_p]))[0] == pytest.approx(float(exact), rel=1e-12, abs=1e-14)


def test_a_certain_target_has_a_finite_logit_and_no_logit_decreases():
    log_p = np.array([-np.finfo(float).max, -1e4, -1.0, -1e-3, CERTAIN, -1e-30, 0.0])
    found = logit(log_p)
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    assert found[-1] == found[-2] == found[-3]


def scores(logits: np.ndarray, tokens: float) -> Scores:
    return Scores(-np.logaddexp(0, -logits), np.full(logits.shape[1], tokens))


def test_a_linear_response_gives_back_its_weights_less_the_penalty():
    truth = np.array([[5.0, 0.0], [-3.0, 0.0], [0.0, 8.0]])
    kept = draw(3, 64, 0)
    found = attributions(kept, scores(kept @ truth - 4, 10.0))
    # Every subset once: orthogonal columns of deviation 1/2, so each weight is 10 tokens x 0.01 / (1/2) nearer to 0.
    np.testing.assert_allclose(found, np.sign(truth) * np.maximum(np.abs(truth) - 0.2, 0), atol=1e-8)


def test_the_penalty_is_one_for_each_token():
    kept = draw(4, 64, 0)
    logits = np.random.default_rng(0).normal(size=(16, 1))
    few, many = attributions(kept, scores(logits, 1.0)), attributions(kept, scores(10 * logits, 10.0))
    np.testing.assert_allclose(many, 10 * few, rtol=1e-6)


def test_a_target_without_tokens_has_no_sources():
    kept = draw(3, 64, 0)
    assert not attributions(kept, Scores(np.zeros((8, 1)), np.zeros(1))).any()
