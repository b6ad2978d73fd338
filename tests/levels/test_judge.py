import numpy as np
import pytest

from tests.levels.test_null import SCALE, draw
from whence.levels.judge import Cuts, judge
from whence.levels.null import fit_null
from whence.types import Level

NULL = fit_null(draw(96, 1), np.zeros(96))
ALL = Cuts(low=0.0)


def scores_with(seed: int = 5, **nats: float) -> np.ndarray:
    """Scores of an unrelated query, but for row 3 (`r3=…`) and so on."""
    scores = draw(1, seed)[0]
    for name, value in nats.items():
        scores[int(name[1:])] = value
    return scores


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (1.0, Level.HIGH),
        (0.20, Level.HIGH),
        (0.199, Level.MEDIUM),
        (0.10, Level.MEDIUM),
        (0.099, Level.LOW),
        (0.04, Level.LOW),
        (0.039, Level.IRRELEVANT),
        (0.0, Level.IRRELEVANT),
    ],
)
def test_the_cuts_are_the_least_shares(share: float, level: Level):
    assert Cuts().level(share) is level


def test_what_stands_out_is_judged_by_its_share_of_the_lift_the_largest_first():
    large = float(30 * SCALE.max())
    supporting, opposing = judge(scores_with(r3=large, r4=2 * large, r5=-large), NULL, 4.99 * large, 0.01, Cuts())
    assert [j.row for j in supporting] == [4, 3]
    assert [j.row for j in opposing] == [5]
    assert [j.share for j in (*supporting, *opposing)] == pytest.approx([0.4, 0.2, -0.2], rel=0.01)
    assert [j.level for j in (*supporting, *opposing)] == [Level.HIGH] * 3
    assert [j.score for j in supporting] == pytest.approx([2 * large, large])
    assert all(0 < j.p_value < 0.001 for j in (*supporting, *opposing))


def test_what_stands_out_but_is_a_small_part_is_not_returned():
    large = float(30 * SCALE.max())
    supporting, opposing = judge(scores_with(r3=large, r4=2 * large), NULL, 40 * large, 0.01, Cuts())
    assert [(j.row, j.level) for j in supporting] == [(4, Level.LOW)]
    assert opposing == []


def test_a_large_part_that_does_not_stand_out_is_not_returned():
    supporting, opposing = judge(draw(1, 5)[0], NULL, 1e-3, 1e-4, Cuts())
    assert supporting == opposing == []


def test_a_row_supports_only_with_a_positive_score_however_unusual_it_is():
    shifted = fit_null(draw(96, 1) - 1000, np.zeros(96))
    scores = draw(1, 5)[0] - 1000
    scores[3] = -500
    assert judge(scores, shifted, 1.0, 0.05, Cuts()) == ([], [])
    raised = fit_null(draw(96, 1) + 1000, np.zeros(96))
    scores = draw(1, 5)[0] + 1000
    scores[3] = 500
    assert judge(scores, raised, 1.0, 0.05, Cuts()) == ([], [])


def test_without_a_unit_shares_are_of_all_that_supports():
    large = float(30 * SCALE.max())
    supporting, opposing = judge(scores_with(r3=large, r4=3 * large, r5=-large), NULL, None, 0.001, ALL)
    assert sum(j.share for j in supporting) == pytest.approx(1)
    assert {j.row: round(j.share, 2) for j in supporting} == {3: 0.25, 4: 0.75}
    assert opposing[0].share == pytest.approx(-0.25)


def test_without_a_unit_and_support_shares_are_of_all_that_opposes():
    large = float(30 * SCALE.max())
    supporting, opposing = judge(scores_with(r3=-large, r4=-3 * large), NULL, None, 0.001, ALL)
    assert supporting == []
    assert {j.row: round(j.share, 2) for j in opposing} == {3: -0.25, 4: -0.75}


def test_turning_all_signs_turns_support_into_opposition():
    mirrored = fit_null(-draw(96, 1), np.zeros(96))
    scores = draw(1, 5)[0]
    scores[:5] += 20 * SCALE[:5].astype(np.float32)
    supporting, opposing = judge(scores, NULL, 50.0, 0.05, ALL)
    against, for_it = judge(-scores, mirrored, 50.0, 0.05, ALL)
    assert supporting
    assert {j.row for j in supporting} == {j.row for j in for_it}
    assert {j.row for j in opposing} == {j.row for j in against}


def test_the_rate_of_false_discoveries_is_held():
    signal = np.arange(30)
    false, found = 0, 0
    for scores in draw(60, 6):
        scores[signal] = np.abs(scores[signal]) + 8 * SCALE[signal]
        rows = {j.row for j in judge(scores, NULL, 1.0, 0.2, ALL)[0]}
        false += len(rows - set(signal))
        found += len(rows)
        assert len(rows & set(signal)) > 20
    assert false / found < 0.25


def test_unrelated_queries_rarely_find_anything():
    hits = sum(bool(judge(scores, NULL, 1.0, 0.05, ALL)[0]) for scores in draw(200, 7))
    assert hits < 200 * 0.12


def test_a_stricter_rate_returns_a_part_of_what_a_looser_one_does():
    scores = draw(1, 8)[0]
    scores[:40] += np.linspace(0, 12, 40, dtype=np.float32) * SCALE[:40].astype(np.float32)
    found = [{j.row for j in judge(scores, NULL, 1.0, rate, ALL)[0]} for rate in (0.001, 0.05, 0.3)]
    assert found[0] <= found[1] <= found[2]
    assert 0 < len(found[0]) < len(found[2])
