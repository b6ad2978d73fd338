import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.methods import oracles
from whence.errors import MethodError
from whence.gradients.likelihood import values_at, values_now
from whence.gradients.subject import Compute, Subject, query_tokens
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.contract import assert_close
from whence.methods.contract_subject import PAIRS, own_queries, tiny_subject
from whence.methods.fisher import FisherInfluence
from whence.methods.sketched_rows import GradientSpec
from whence.store.shards import Shards
from whence.types import Progress, Query, silent


def scored(method: FisherInfluence, subject: Subject, folder: Path, queries: list[Query]) -> np.ndarray:
    folder.mkdir()
    method.build(subject, folder, silent)
    return method.score(subject, folder, queries)


def lifts(subject: Subject, queries: list[Query]) -> np.ndarray:
    path, items = subject.trajectory, query_tokens(subject, queries)
    after = values_at(path, path.last, items, subject.compute)
    with path.base():
        before = values_now(path, items, subject.compute)
    return (after - before).numpy()


def with_path(subject: Subject, *points: Checkpoint) -> Subject:
    path = subject.trajectory
    return replace(subject, path=Trajectory(path.model, path.tokenizer, points))


# Rows are twelve: with 9 numbers a sketch the inverse is taken in the columns' span, with 16 or more in the rows'.
@pytest.mark.parametrize(("sketch", "damping"), [(9, 0.1), (9, 1.0), (16, 0.1), (256, 1.0)])
def test_both_forms_of_the_inverse_agree_with_the_formula(
    subject: Subject, tmp_path: Path, sketch: int, damping: float
) -> None:
    queries = [*own_queries(subject)[:2], Query.of("Who?", "Nobody at dusk.")]
    found = scored(FisherInfluence(sketch, 2, damping, packed=False), subject, tmp_path / "index", queries)
    assert_close(found, oracles.fisher_oracle(sketch, damping, (0, 1))(subject, queries), "scores")


def test_another_seed_gives_another_sketch(subject: Subject, tmp_path: Path) -> None:
    queries = own_queries(subject)[:2]
    one, other = (scored(FisherInfluence(64, 2, seed=seed), subject, tmp_path / f"{seed}", queries) for seed in (0, 1))
    assert not np.allclose(one, other, rtol=0.01)


def test_scores_on_its_own_text_add_up_to_a_pairs_lift_as_damping_vanishes(subject: Subject, tmp_path: Path) -> None:
    queries = own_queries(subject)
    found = scored(FisherInfluence(1024, 2, damping=1e-4), subject, tmp_path / "index", queries)
    lift = lifts(subject, queries)
    np.testing.assert_allclose(found.sum(axis=1), lift, rtol=0.02)
    np.testing.assert_allclose(np.diag(found), lift, rtol=0.02)  # and it is the pair itself that made it


def test_damping_takes_away_from_the_lift_that_is_explained(subject: Subject, tmp_path: Path) -> None:
    queries = own_queries(subject)
    little, much = (
        scored(FisherInfluence(1024, 2, damping=d), subject, tmp_path / f"{d}", queries) for d in (0.1, 10.0)
    )
    lift = lifts(subject, queries)
    shares = np.array([np.diag(little) / lift, np.diag(much) / lift])
    assert ((shares > 0) & (shares < 1)).all()
    assert (shares[0] > 2 * shares[1]).all()


@pytest.mark.parametrize(
    "reword", [lambda q: f"Please tell me: {q}", lambda q: q.split(" ", 1)[1]], ids=["more", "less"]
)
def test_scores_of_reworded_questions_add_up_to_their_lift_in_nats(
    subject: Subject, tmp_path: Path, reword: Callable[[str], str]
) -> None:
    # Nothing scales scores to the lift: that they add up to it shows that their unit is right.
    queries = [Query.of(reword(asked), said) for asked, said in PAIRS]
    found = scored(FisherInfluence(1024, 2, damping=0.01), subject, tmp_path / "index", queries)
    lift = lifts(subject, queries)
    assert float(found.sum() / lift.sum()) == pytest.approx(1, abs=0.1)
    assert ((found.sum(axis=1) / lift > 0.5) & (found.sum(axis=1) / lift < 1.6)).all()
    assert found.argmax(axis=1).tolist() == list(range(len(PAIRS)))


def test_a_path_without_moments_is_scored_in_the_plain_metric(tmp_path: Path) -> None:
    subject = tiny_subject(tmp_path, moments=False)
    queries, method = own_queries(subject)[:3], FisherInfluence(256, 2, packed=False)
    found = scored(method, subject, tmp_path / "index", queries)
    assert_close(found, oracles.fisher_oracle(256, 0.1, (0, 1))(subject, queries), "scores")
    assert "plain metric" in " ".join(method.notes(subject))


def test_a_single_checkpoint_is_scored_by_the_whole_lift(subject: Subject, tmp_path: Path) -> None:
    subject = with_path(subject, subject.trajectory.last)
    queries, method = own_queries(subject)[:3], FisherInfluence(256, packed=False)
    found = scored(method, subject, tmp_path / "index", queries)
    assert_close(found, oracles.fisher_oracle(256, 0.1, (0,))(subject, queries), "scores")
    assert "trajectory was not recorded" in " ".join(method.notes(subject))


def test_without_the_start_the_first_checkpoint_stands_for_it(subject: Subject, tmp_path: Path) -> None:
    subject = with_path(subject, *subject.trajectory.checkpoints[1:])
    queries, method = own_queries(subject)[:3], FisherInfluence(256, packed=False)
    found = scored(method, subject, tmp_path / "index", queries)
    assert_close(found, oracles.fisher_oracle(256, 0.1, (0,))(subject, queries), "scores")
    assert "start of training was not recorded" in " ".join(method.notes(subject))


def test_moments_of_one_checkpoint_serve_the_others(subject: Subject, tmp_path: Path) -> None:
    first, middle, last = subject.trajectory.checkpoints
    subject = with_path(subject, first, replace(middle, moments=None), last)
    queries, method = own_queries(subject)[:3], FisherInfluence(256, 2, packed=False)
    found = scored(method, subject, tmp_path / "index", queries)
    assert_close(found, oracles.fisher_oracle(256, 0.1, (0, 1))(subject, queries), "scores")


def test_a_whole_path_needs_no_notes(subject: Subject) -> None:
    assert FisherInfluence().notes(subject) == ()


def test_packed_rows_score_as_others_do_but_for_rounding(subject: Subject, tmp_path: Path) -> None:
    queries = own_queries(subject)
    fine, coarse = (
        scored(FisherInfluence(1024, 2, packed=packed), subject, tmp_path / str(packed), queries)
        for packed in (False, True)
    )
    error = np.abs(coarse - fine).max(axis=1) / fine.max(axis=1)
    assert 0 < error.max() < 0.05
    assert (tmp_path / "True" / "rows-00000.int4").stat().st_size == 5 * (1024 + 2 * 4)


def test_points_lie_closer_where_the_learning_rate_was_higher() -> None:
    path = [Checkpoint(step, Path(), weight=w) for step, w in enumerate((0.5, 2.5, 1.0, 0.5, 0.25, 0.15, 0.1))]
    assert [c.step for c in FisherInfluence(points=3).chosen(path)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("length", "points", "steps"),
    [
        (1, 3, [0]),
        (2, 3, [0]),
        (3, 3, [0, 1]),
        (4, 3, [0, 1, 2]),
        (6, 3, [0, 1, 3]),
        (7, 3, [0, 2, 4]),
        (7, 1, [0]),
        (7, 2, [0, 3]),
        (7, 9, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_points_are_spread_from_the_start_and_leave_the_end_out(length: int, points: int, steps: list[int]) -> None:
    path = [Checkpoint(step, Path()) for step in range(length)]
    assert [c.step for c in FisherInfluence(points=points).chosen(path)] == steps


@pytest.mark.parametrize("length", range(1, 40))
def test_no_point_is_chosen_twice(length: int) -> None:
    path = [Checkpoint(step, Path()) for step in range(length)]
    for points in range(1, 40):
        steps = [c.step for c in FisherInfluence(points=points).chosen(path)]
        assert steps == sorted(set(steps))
        assert len(steps) == min(points, max(length - 1, 1))


def test_raw_gradients_are_gone_when_the_index_is_finished(subject: Subject, tmp_path: Path) -> None:
    scored(FisherInfluence(64, 2), subject, tmp_path / "index", [])
    assert not list((tmp_path / "index").glob("raw*"))
    assert not list((tmp_path / "index").glob("part*"))


@pytest.mark.parametrize("sketch", [4, 64])  # the inverse in the columns' span, and in the rows'
def test_one_points_inverse_is_in_memory_at_a_time_and_none_is_made_twice(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sketch: int
) -> None:
    alive, made, inverse = list[weakref.ref[object]](), list[int](), FisherInfluence._inverse

    def watched(method: FisherInfluence, raw: Shards, spec: GradientSpec, c: int) -> object:
        gc.collect()
        assert not any(kept() is not None for kept in alive)
        made.append(c)
        found = inverse(method, raw, spec, c)
        alive.append(weakref.ref(found))
        return found

    def stop(progress: Progress) -> None:
        if progress.step == "inverse Fisher":
            raise KeyboardInterrupt

    monkeypatch.setattr(FisherInfluence, "_inverse", watched)
    wanted = scored(FisherInfluence(sketch, 2), subject, tmp_path / "straight", own_queries(subject))
    assert made == [0, 1]
    made.clear()
    alive.clear()
    (tmp_path / "broken").mkdir()
    with pytest.raises(KeyboardInterrupt):
        FisherInfluence(sketch, 2).build(subject, tmp_path / "broken", stop)
    alive.clear()
    FisherInfluence(sketch, 2).build(subject, tmp_path / "broken", silent)
    assert made == [0, 1]
    found = FisherInfluence(sketch, 2).score(subject, tmp_path / "broken", own_queries(subject))
    np.testing.assert_array_equal(found, wanted)


def test_an_index_whose_rows_are_all_there_is_not_computed_again(subject: Subject, tmp_path: Path) -> None:
    method, folder, told = FisherInfluence(64, 2), tmp_path / "index", list[Progress]()
    scored(method, subject, folder, [])
    facts = method.build(subject, folder, told.append)
    assert facts["points"] == [0, 6]
    assert not told


def test_a_build_that_is_cut_up_otherwise_after_a_break_gives_the_same_rows(subject: Subject, tmp_path: Path) -> None:
    method, queries = FisherInfluence(64, 2), own_queries(subject)[:2]

    def stop(progress: Progress) -> None:
        if progress.step == "inverse Fisher":
            raise KeyboardInterrupt

    wanted = scored(method, subject, tmp_path / "straight", queries)
    (tmp_path / "broken").mkdir()
    with pytest.raises(KeyboardInterrupt):
        method.build(subject, tmp_path / "broken", stop)
    other = replace(subject, compute=Compute(rows_per_shard=2))
    method.build(other, tmp_path / "broken", silent)
    assert_close(method.score(other, tmp_path / "broken", queries), wanted, "scores")


def test_notes_need_the_model(subject: Subject) -> None:
    with pytest.raises(MethodError, match="needs the fine-tuned model"):
        FisherInfluence().notes(replace(subject, path=None))
