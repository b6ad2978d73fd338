from dataclasses import replace

import numpy as np
import pytest
from numpy import ndarray

from whence.levels.contrast import BOTH, control_contrasts
from whence.levels.control_scores import ControlScores
from whence.levels.group_null import GroupNull, fit_group_null, group_sums
from whence.levels.null import Null, fit_null, location_scale, spread_of

TRAIN = 240
ROWS = np.random.default_rng(0)
LOCATION = ROWS.normal(size=TRAIN)
SCALE = np.exp(0.7 * ROWS.normal(size=TRAIN))
COMMON = ROWS.normal(size=TRAIN)
"""How far each row moves with all others: rows of a set are correlated."""
GROUPS = [np.arange(start, start + size) for start, size in zip(range(0, 200, 10), [1, 2, 5, 10] * 5, strict=True)]


def draw(queries: int, seed: int) -> ndarray:
    random = np.random.default_rng(seed)
    noise = random.normal(size=(queries, TRAIN)) + 0.7 * random.normal(size=(queries, 1)) * COMMON
    return (LOCATION + SCALE * noise).astype(np.float32)


def controls(count: int = 64, seed: int = 1) -> tuple[ControlScores, ndarray]:
    scores = draw(count, seed)
    return ControlScores.of(scores), scores


def test_a_sum_is_the_loop_over_its_members():
    scores = draw(3, 5)
    found = group_sums(scores, GROUPS)
    expected = [[sum(float(row[i]) for i in members) for members in GROUPS] for row in scores]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.fixture(scope="module")
def fits() -> list[tuple[ControlScores, Null]]:
    """Controls of several indexes, each with the location and scale of its rows."""
    whole, found = fit_null(draw(32, 9), np.zeros(32)), list[tuple[ControlScores, Null]]()
    for seed in range(8):
        kept, scores = controls(32, 10 + seed)
        location, scale = location_scale(scores)
        found.append((kept, replace(whole, location=location, scale=scale)))
    return found


def uniform(law: GroupNull, null: Null, queries: ndarray, groups: list[ndarray]) -> ndarray:
    """The p-values of both sides [side, query x group] of answers that no row has to do with."""
    spread = spread_of((queries - null.location) / null.scale)
    found = [
        law.with_spread(float(s)).p_values(row) for s, row in zip(spread, group_sums(queries, groups), strict=True)
    ]
    return np.concatenate([np.stack(sides) for sides in found], axis=1)


def require_uniform(p: ndarray) -> None:
    for level, off in ((0.5, 0.15), (0.2, 0.3), (0.05, 0.5)):
        assert (p <= level).mean(axis=1) == pytest.approx(level, rel=off)
    assert (p > 0).all()


@pytest.mark.parametrize("kinds", [[GROUPS], [[group] for group in GROUPS[1::4]]], ids=["many sets", "one set"])
def test_p_values_of_sums_on_unrelated_answers_are_uniform_on_both_sides(
    fits: list[tuple[ControlScores, Null]], kinds: list[list[ndarray]]
):
    found: list[ndarray] = []
    for seed, (kept, null) in enumerate(fits):
        queries = draw(24, 100 + seed)
        found += [uniform(fit_group_null(kept, null, groups), null, queries, groups) for groups in kinds]
    require_uniform(np.concatenate(found, axis=1))


def test_p_values_of_sums_of_contrasts_are_uniform_on_both_sides(fits: list[tuple[ControlScores, Null]]):
    found: list[ndarray] = []
    for seed, (kept, null) in enumerate(fits):
        wide = replace(null, location=np.zeros_like(null.location), scale=BOTH * null.scale)
        law = fit_group_null(control_contrasts(kept, wide), wide, GROUPS, mirrored=True)
        found.append(uniform(law, wide, draw(50, 100 + seed) - draw(50, 200 + seed), GROUPS))
    require_uniform(np.concatenate(found, axis=1))


def test_a_set_with_a_cause_stands_out_though_none_of_its_rows_does():
    kept, scores = controls()
    null = fit_null(scores, np.zeros(64))
    row = draw(1, 3)[0]
    row[GROUPS[3]] += 2.5 * SCALE[GROUPS[3]]
    support, oppose = fit_group_null(kept, null, GROUPS).p_values(group_sums(row[None], GROUPS)[0])
    assert support.argmin() == 3
    assert support[3] < 1e-2
    assert oppose[3] > 0.9


def test_the_scale_of_a_sum_is_the_written_out_one():
    kept, scores = controls(12)
    null = fit_null(scores, np.zeros(12))
    law = fit_group_null(kept, null, GROUPS[:2])
    for group, members in enumerate(GROUPS[:2]):
        seen = np.sort(scores[:, members].sum(axis=1))
        location = np.median(seen)
        own = 1.4826 * np.median(np.abs(seen - location))
        alone = (null.scale[members].astype(float) ** 2).sum()
        assert law.location[group] == pytest.approx(location, rel=1e-4)
        assert law.scale[group] == pytest.approx(((12 * own**2 + 8 * alone) / 20) ** 0.5, rel=1e-4)


def test_sets_that_no_control_ever_scored_still_have_a_null():
    scores = np.zeros((10, 6), np.float32)
    law = fit_group_null(ControlScores.of(scores), fit_null(scores, np.zeros(10)), [np.array([0, 1]), np.array([2])])
    support, oppose = law.p_values(np.array([50.0, 0.0]))
    assert support[0] < 1e-3
    assert (support[1], oppose[1]) == (1, 1)
