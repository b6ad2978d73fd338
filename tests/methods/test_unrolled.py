from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

from tests.methods import oracles
from whence.errors import MethodError
from whence.gradients.subject import Subject
from whence.gradients.trajectory import Step
from whence.methods import contract
from whence.methods.contract_subject import own_queries, tiny_subject
from whence.methods.unrolled import Unrolled, nearest
from whence.types import Progress, Query

SKETCH = 64


def unrolled_oracle(sketch: int, adam: bool = True) -> oracles.Oracle:
    """One step, one example at a time, with dense matrices."""

    def scores(subject: Subject, queries: Sequence[Query]) -> np.ndarray:
        path, train = subject.trajectory, oracles.train_tokens(subject)
        points = range(len(path.checkpoints))
        weights = [oracles.adam_weight(subject, c) if adam else None for c in points]
        seen = [
            [oracles.sketched(subject, path.checkpoints[c], t, sketch, 0, weights[c]) for t in train] for c in points
        ]
        embedding, kept = np.zeros((len(train), sketch)), np.eye(sketch)
        for step in reversed(path.steps):
            distances = [abs(c.step - (step.step - 1)) for c in path.checkpoints]
            rows = seen[distances.index(min(distances))]
            tokens = sum(label != -100 for i in step.examples for label in train[i].labels[1:])
            for i in step.examples:
                embedding[i] += kept @ rows[i] * step.learning_rate / tokens
            fisher = sum(np.outer(rows[i], rows[i]) for i in step.examples) / tokens
            kept = kept @ expm(-step.learning_rate * fisher)
        asked = [
            oracles.sketched(subject, path.last, t, sketch, 0, weights[-1]) for t in oracles.tokens_of(subject, queries)
        ]
        return np.array(asked) @ embedding.T

    return scores


def with_steps(subject: Subject, steps: Sequence[Step]) -> Subject:
    path = copy(subject.trajectory)
    path.steps = tuple(steps)
    return replace(subject, path=path)


def scored(subject: Subject, folder: Path, queries: list[Query], sketch: int = SKETCH) -> np.ndarray:
    return contract.built(Unrolled(sketch), subject, folder).scores(queries)


def test_scores_agree_with_dense_matrices_multiplied_step_by_step(tmp_path: Path):
    contract.check_formula(Unrolled(SKETCH), unrolled_oracle(SKETCH), tmp_path)


def test_without_moments_training_is_plain_descent_and_a_note_says_so(tmp_path: Path):
    subject = tiny_subject(tmp_path, moments=False)
    queries = own_queries(subject)[:2]
    found = scored(subject, tmp_path / "index", queries)
    contract.assert_close(found, unrolled_oracle(SKETCH, adam=False)(subject, queries), "scores")
    assert "plain gradient descent" in Unrolled().notes(subject)[0]
    assert Unrolled().notes(tiny_subject(tmp_path / "other")) == ()


@pytest.mark.parametrize("steps", [(), (Step(1, 1e-3, ()),)])
def test_a_run_without_recorded_batches_is_refused(subject: Subject, tmp_path: Path, steps: tuple[Step, ...]):
    with pytest.raises(MethodError, match="no record of which pairs"):
        scored(with_steps(subject, steps), tmp_path / "index", [])


def test_a_pair_that_no_step_trained_on_scores_nothing(subject: Subject, tmp_path: Path):
    left_out = 5
    steps = [replace(s, examples=tuple(i for i in s.examples if i != left_out)) for s in subject.trajectory.steps]
    found = scored(with_steps(subject, steps), tmp_path / "index", own_queries(subject)[:3])
    assert not found[:, left_out].any()
    assert (np.delete(found, left_out, axis=1) != 0).all()


def test_what_was_learned_early_fades_when_the_same_is_learned_again(subject: Subject, tmp_path: Path):
    first, again = (subject.trajectory.steps[k] for k in (0, 3))
    assert first.examples == again.examples == (0, 1, 2, 3)
    queries = own_queries(subject)[:4]
    once = np.diag(scored(with_steps(subject, [first]), tmp_path / "once", queries))
    twice = np.diag(scored(with_steps(subject, [first, again]), tmp_path / "twice", queries))
    assert (once > 0).all()
    assert (twice < 1.9 * once).all()


def test_each_step_looks_at_the_checkpoint_nearest_to_where_it_began(subject: Subject):
    places = [nearest(subject.trajectory, step) for step in subject.trajectory.steps]
    assert [c.step for c in subject.trajectory.checkpoints] == [0, 6, 12]
    assert places == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2]  # step 4 begins at 3, as near to 0 as to 6


def test_the_index_keeps_only_its_rows(subject: Subject, tmp_path: Path):
    reports, place = list[Progress](), tmp_path / "index"
    contract.built(Unrolled(SKETCH), subject, place, reports.append)
    names = sorted(path.name for path in place.iterdir())
    assert names == ["rows-00000.bf16", "rows-00001.bf16", "rows-00002.bf16", "rows.json"]
    assert [r.done for r in reports if r.step == "unrolling"] == list(range(1, 13))


def test_a_sketch_is_a_square():
    with pytest.raises(MethodError, match="square"):
        Unrolled(sketch=1000)
