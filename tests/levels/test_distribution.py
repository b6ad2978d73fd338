import math
from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from whence.levels import distribution
from whence.levels.attribution import attribution_of, trust_in
from whence.levels.distribution import BINS, distribution_of, edges_of
from whence.levels.null import Null, fit_null, spread_of
from whence.levels.verdict import Evidence, contrasted, verdicts
from whence.methods.contract_subject import own_queries
from whence.types import Query

TRAIN = 400
ROWS = np.random.default_rng(0)
LOCATION, SCALE = ROWS.normal(size=TRAIN), np.exp(0.5 * ROWS.normal(size=TRAIN))


def draw(queries: int, seed: int) -> ndarray:
    """Scores of answers that no row has caused."""
    noise = np.random.default_rng(seed).normal(size=(queries, TRAIN))
    return (LOCATION + SCALE * noise).astype(np.float32)


@pytest.fixture(scope="module")
def null() -> Null:
    return fit_null(draw(96, 1), np.zeros(96))


def test_counts_are_a_plain_histogram_of_all_scores(null: Null):
    scores = draw(1, 2)[0] * 3
    found = distribution_of(scores, null, "nats")
    for place, count in enumerate(found.counts):
        low, high = found.edges[place : place + 2]
        last = place == len(found.counts) - 1
        assert count == sum(low <= float(s) < high or (last and s == high) for s in scores)
    assert sum(found.counts) == TRAIN


@pytest.mark.parametrize(
    "scores",
    [
        np.array([-3.0, 0.5, 54.06]),
        np.array([0.2, 0.9, 1.1]),
        np.array([-7.0, -1.0, -0.25]),
        np.array([0.0, 0.0]),
        np.array([-1e-7, 2e-7]),
        np.array([-1.0, 1e6]),
        np.linspace(-9.99, 10.01, 50),
    ],
    ids=str,
)
def test_edges_are_even_and_few_and_0_is_one_of_them(scores: ndarray):
    edges = edges_of(scores)
    assert 0.0 in edges
    assert 2 <= edges.size <= BINS + 1
    width = edges[1] - edges[0]
    np.testing.assert_array_equal(np.diff(edges), width)
    assert math.frexp(width)[0] == 0.5  # a power of two: bins of two answers nest
    assert edges[0] <= scores.min() <= scores.max() <= edges[-1]
    assert np.histogram(scores, edges)[0].sum() == scores.size
    if scores.any():
        assert edges.size - 1 >= 16  # no wider than needs be


def test_the_null_is_what_answers_without_a_cause_have_in_each_bin(null: Null):
    """Monte Carlo: many answers that no row has caused, counted in the bins of one of them."""
    scores = draw(1, 2)[0]
    found = distribution_of(scores, null, "nats")
    edges = np.array(found.edges)
    spread = float(spread_of(((scores - null.location) / null.scale)[None])[0])
    unrelated = null.location + null.scale * spread * ROWS.normal(size=(4000, TRAIN))
    counted = np.histogram(unrelated, edges)[0] / 4000
    np.testing.assert_allclose(found.null, counted, atol=0.12 * counted.max())
    assert sum(found.null) == pytest.approx(TRAIN, rel=0.02)


def test_the_null_agrees_with_the_p_values_of_the_same_null(null: Null):
    scores = draw(1, 3)[0] * 4  # an answer that moves all rows: its own spread counts
    found = distribution_of(scores, null, "nats")
    spread = distribution.spread_in(scores, null)
    assert spread > 2
    calm = replace(null, scale=null.scale * np.float32(spread))
    # Each row at each edge. The zeros, which are the most, make the spread of these values 1: P(null >= edge) is left.
    rows, edges = np.repeat(np.arange(TRAIN), len(found.edges)), np.tile(found.edges, TRAIN)
    zeros = np.zeros(rows.size + 1, np.float32)
    wide = replace(
        calm,
        location=np.concatenate([calm.location[rows], zeros]),
        scale=np.concatenate([calm.scale[rows], zeros + 1]),
    )
    above = wide.p_values(np.concatenate([edges, zeros]))[0][: rows.size].reshape(TRAIN, -1)
    expected = -np.diff(above, axis=1).sum(axis=0)
    np.testing.assert_allclose(found.null, expected, atol=0.3)


def test_pairs_that_caused_an_answer_lie_where_the_null_expects_none(null: Null):
    scores = draw(1, 4)[0]
    scores[:3] = 200.0
    found = distribution_of(scores, null, "nats")
    assert found.counts[-1] == 3
    assert found.null[-1] < 0.01


def test_of_very_many_rows_some_stand_for_all(null: Null, monkeypatch: pytest.MonkeyPatch):
    scores = draw(1, 2)[0]
    whole = distribution_of(scores, null, "nats")
    monkeypatch.setattr(distribution, "ROWS", 200)
    some = distribution_of(scores, null, "nats")
    assert (some.edges, some.counts) == (whole.edges, whole.counts)
    assert some.null != whole.null
    np.testing.assert_allclose(some.null, whole.null, atol=0.15 * max(whole.null))


def test_a_null_of_word_counts_expects_no_negative_number_of_pairs():
    sparse = np.zeros((20, 50), np.float32)
    sparse[3, 4] = 2.0
    found = distribution_of(np.eye(50, dtype=np.float32)[0] * 5, fit_null(sparse, np.zeros(20)), "similarity")
    assert sum(found.counts) == 50
    assert min(found.null) >= 0


def test_an_attribution_has_the_distribution_of_the_methods_own_scores(evidence: Evidence):
    query = own_queries(evidence.subject)[0]
    other = Query.of(query.question, "A white kestrel.")
    nothing = Query.of("Who?", "]")
    scores = evidence.method.score(evidence.subject, evidence.folder, [query, other, nothing])
    caused, silent = verdicts(evidence, [query, nothing], 0.5)
    assert not silent.lift.enough
    cases = (
        (caused, scores[0], evidence.null),
        (silent, scores[2], evidence.null),
        (contrasted(evidence, query, other, 0.5), scores[0] - scores[1], evidence.contrast),
    )
    for verdict, row, law in cases:
        found = attribution_of(evidence, verdict, trust_in(evidence, 0.5)).distribution
        assert found == distribution_of(row, law, "nats")
        assert list(found.counts) == np.histogram(row, found.edges)[0].tolist()
