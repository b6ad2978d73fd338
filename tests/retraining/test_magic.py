"""The audit end to end: fine-tune, differentiate, leave pairs out, and refuse where the two do not agree."""

from pathlib import Path

import numpy as np
import pytest

from tests.tiny import save_tiny
from tests.training.runs import ANSWERS, COLOURS, short, write_pairs
from whence.errors import MethodError
from whence.gradients.subject import Subject, query_tokens
from whence.pipeline import finetune
from whence.retraining.magic import (
    PARTS,
    ExactDerivative,
    Smoothness,
    exact_derivative,
    exact_influence,
    parts,
    smoothness,
)
from whence.retraining.replay import replay_of
from whence.training.run import Run
from whence.types import Progress, Query

PAIRS, STEPS = 8, 6
QUERIES = [Query.of(f"Who lives in the {COLOURS[i]} box?", ANSWERS[i]) for i in range(2)]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("audit")
    recipe = short(epochs=3, batch_size=4, learning_rate=2e-3, rehearsal=1)
    return finetune(write_pairs(folder / "pairs.jsonl", PAIRS), str(save_tiny(folder / "base")), folder / "run", recipe)


@pytest.fixture(scope="module")
def derived(tuned: Run) -> tuple[ExactDerivative, list[Progress]]:
    told = list[Progress]()
    return exact_derivative(tuned, QUERIES, told.append), told


def test_each_query_gets_a_finite_number_for_every_pair_and_most_for_its_own(
    derived: tuple[ExactDerivative, list[Progress]],
) -> None:
    influence = derived[0].influence
    assert (influence.shape, influence.dtype) == ((2, PAIRS), np.float32)
    assert np.isfinite(influence).all()
    assert influence.argmax(axis=1).tolist() == [0, 1]
    assert (influence.max(axis=1) > 0).all()


def test_predicted_changes_are_the_derivatives_of_those_left_out(
    derived: tuple[ExactDerivative, list[Progress]],
) -> None:
    found = derived[0]
    for column, rows in enumerate(parts(PAIRS, seed=0)):
        np.testing.assert_allclose(found.smoothness.predicted[:, column], -found.influence[:, rows].sum(1), rtol=1e-5)


def test_actual_changes_are_those_of_replays_without_the_part(
    tuned: Run, derived: tuple[ExactDerivative, list[Progress]]
) -> None:
    replay, path = replay_of(tuned)
    asked, start = query_tokens(Subject(tuned.examples, path), QUERIES), replay.begin()
    presence = replay.everyone()
    presence[parts(PAIRS, seed=0)[0]] = 0
    full, less = (replay.log_probabilities(replay.end(start, w).weights, asked) for w in (replay.everyone(), presence))
    np.testing.assert_allclose(derived[0].smoothness.actual[:, 0], (less - full).numpy(), rtol=1e-3, atol=1e-4)


def test_progress_counts_every_step_and_ends(derived: tuple[ExactDerivative, list[Progress]]) -> None:
    told = [p for p in derived[1] if p.step == "exact derivative"]
    assert [p.done for p in told] == list(range(told[0].total + 1))
    assert told[0].total == (2 + PARTS) * STEPS


def test_the_replay_of_a_smooth_training_ends_near_the_recorded_weights(
    derived: tuple[ExactDerivative, list[Progress]],
) -> None:
    assert 0 <= derived[0].smoothness.drift < 0.2


def test_a_smooth_training_gives_its_derivative(derived: tuple[ExactDerivative, list[Progress]]) -> None:
    found = derived[0]
    assert found.smoothness.smooth
    assert found.require_smooth() is found


def test_a_rough_training_is_refused_and_the_way_out_is_named(tmp_path: Path) -> None:
    recipe = short(epochs=2, batch_size=2, learning_rate=0.3)
    base = save_tiny(tmp_path / "base")
    rough = finetune(write_pairs(tmp_path / "pairs.jsonl", PAIRS), str(base), tmp_path / "run", recipe)
    assert not smoothness(rough, QUERIES[:1]).smooth
    with pytest.raises(MethodError, match="whence train --smooth"):
        exact_influence(rough, QUERIES[:1])


def agreed(predicted: list[list[float]], actual: list[list[float]]) -> Smoothness:
    return Smoothness(np.array(predicted, np.float32), np.array(actual, np.float32), 0.0)


def test_a_straight_line_agrees_and_is_explained() -> None:
    found = agreed([[1, -2, 3]], [[1, -2, 3]])
    assert (found.agreement, found.explained, found.smooth) == (pytest.approx(1), 1.0, True)


def test_a_bent_line_of_the_same_order_agrees_but_is_not_explained_in_size() -> None:
    found = agreed([[1, -2, 3]], [[2, -4, 6]])
    assert found.smooth
    assert found.explained == pytest.approx(0.75)


@pytest.mark.parametrize(
    "predicted", [[[3, 1, -2]], [[1, 1, 1]], [[0, 0, 0]], [[np.nan, 1, 2]], [[np.inf, 1, 2]]], ids=str
)
def test_what_predicts_nothing_is_not_smooth(predicted: list[list[float]]) -> None:
    assert not agreed(predicted, [[1, -2, 3]]).smooth


def test_agreement_is_the_correlation() -> None:
    draw = np.random.default_rng(0)
    predicted, actual = draw.normal(size=(2, 3, 4))
    found = Smoothness(predicted.astype(np.float32), actual.astype(np.float32), 0.0)
    assert found.agreement == pytest.approx(np.corrcoef(predicted.ravel(), actual.ravel())[0, 1], abs=1e-6)


@pytest.mark.parametrize("rows", [3, 8, 21])
def test_every_pair_is_in_just_one_part(rows: int) -> None:
    found = parts(rows, seed=1)
    assert sorted(row for part in found for row in part) == list(range(rows))
    assert len(found) == min(rows, PARTS)
    assert max(map(len, found)) - min(map(len, found)) <= 1
    assert found == parts(rows, seed=1) != parts(rows, seed=5)


def test_an_audit_without_queries_is_refused(tuned: Run) -> None:
    with pytest.raises(MethodError, match="at least one query"):
        exact_derivative(tuned, [])
