import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray
from safetensors.numpy import load_file

from tests.methods import oracles
from whence.core.projection import Projection
from whence.errors import MethodError
from whence.gradients.subject import Subject
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.contract import assert_close, built, check_formula
from whence.methods.contract_subject import own_queries, tiny_subject
from whence.methods.less import Less
from whence.types import Query, Tokens


def moments_at(subject: Subject, checkpoint: Checkpoint) -> dict[str, ndarray]:
    """Adam's second moments at a checkpoint, or at the next that has them; none where there are none."""
    having = [c.moments for c in subject.trajectory.checkpoints if c.moments and c.step >= checkpoint.step]
    return {n.removesuffix(".weight"): v.astype(float) for n, v in load_file(having[0]).items()} if having else {}


def sketched(subject: Subject, here: Checkpoint, tokens: Tokens, sketch: int, moments: dict[str, ndarray]) -> ndarray:
    """The sketch of g / (sqrt(v) + 1e-8), layer by layer; of g itself without moments."""
    total = np.zeros(sketch)
    for name, g in oracles.gradient(subject, here, tokens).items():
        made = Projection.of(name, g.shape, math.isqrt(sketch), 0)
        step = g / (np.sqrt(moments[name]) + 1e-8) if moments else g
        total += (made.left.double().numpy().T @ step @ made.right.double().numpy()).reshape(-1)
    return total


def less_oracle(sketch: int) -> oracles.Oracle:
    """One checkpoint, one query, one example at a time; only the example's gradient is divided by sqrt(v)."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        train, asked = oracles.train_tokens(subject), oracles.tokens_of(subject, queries)
        total = np.zeros((len(asked), len(train)))
        for here in subject.trajectory.checkpoints:
            steps = [sketched(subject, here, tokens, sketch, moments_at(subject, here)) for tokens in train]
            for j, tokens in enumerate(asked):
                q = sketched(subject, here, tokens, sketch, {})
                for i, step in enumerate(steps):
                    total[j, i] += here.weight * (q @ step) / (np.linalg.norm(q) * np.linalg.norm(step))
        return total

    return scores


def test_scores_agree_with_the_formula_written_out(tmp_path: Path) -> None:
    check_formula(Less(64), less_oracle(64), tmp_path)


def test_without_moments_plain_gradients_stand_in_and_it_says_so(tmp_path: Path) -> None:
    subject = tiny_subject(tmp_path, moments=False)
    queries = own_queries(subject)[:1]
    found = built(Less(16), subject, tmp_path / "index").scores(queries)
    assert_close(found, less_oracle(16)(subject, queries), "scores")
    assert "plain gradients" in " ".join(Less().notes(subject))


def test_a_row_holds_each_points_learning_rate(subject: Subject, tmp_path: Path) -> None:
    place = tmp_path / "index"
    index = built(Less(16), subject, place)
    rows = np.concatenate([_floats(path) for path in sorted(place.glob("*.bf16"))]).reshape(-1, 3, 16)
    rates = [c.weight for c in subject.trajectory.checkpoints]
    np.testing.assert_allclose(np.linalg.norm(rows, axis=2), np.tile(rates, (12, 1)), rtol=2**-8)
    assert float(np.abs(index.scores(own_queries(subject)[:3])).max()) <= sum(rates) * 1.01


def _floats(path: Path) -> ndarray:
    return (np.fromfile(path, np.uint16).astype(np.uint32) << 16).view(np.float32)


def test_a_whole_path_needs_no_notes_and_a_single_point_one(subject: Subject) -> None:
    path = subject.trajectory
    assert Less().notes(subject) == ()
    single = replace(subject, path=Trajectory(path.model, path.tokenizer, (path.last,)))
    assert "Only one checkpoint" in " ".join(Less().notes(single))


def test_a_sketch_must_be_a_square() -> None:
    with pytest.raises(MethodError, match=r"perfect square.*found 1000"):
        Less(1000)
