from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.methods import oracles
from whence.gradients.likelihood import values_now
from whence.gradients.subject import Compute, Subject, query_tokens
from whence.methods.grad_dot import GradDot
from whence.methods.sketched_rows import GradientSpec, embed
from whence.types import Query, silent


def test_rows_are_the_sketches_at_each_checkpoint_side_by_side(subject: Subject) -> None:
    points = subject.trajectory.checkpoints[:2]
    items, ticks = oracles.train_tokens(subject)[:5], list[int]()
    rows, values = embed(subject.trajectory, GradientSpec(points, 16, 3, adam=True), items, Compute(2), ticks.append)
    wanted = [
        [oracles.sketched(subject, c, t, 16, 3, oracles.adam_weight(subject, i)) for i, c in enumerate(points)]
        for t in items
    ]
    np.testing.assert_allclose(rows.numpy(), np.array(wanted).reshape(5, 32), rtol=1e-3, atol=1e-2)
    assert ticks == [2, 2, 1] * 2
    np.testing.assert_allclose(values[:, 1].numpy(), [oracles.log_p(subject, points[1], t) for t in items], rtol=1e-5)


def test_no_items_give_no_rows(subject: Subject) -> None:
    rows, values = embed(subject.trajectory, GradientSpec(subject.trajectory.checkpoints, 16, 0, False), [], Compute())
    assert (rows.shape, values.shape) == ((0, 48), (0, 3))


def test_scores_of_parts_add_up_to_that_of_the_answer(subject: Subject, tmp_path: Path) -> None:
    method, answer = GradDot(sketch=256), "Forty fathoms, by the bell."
    method.build(subject, tmp_path, silent)
    cuts = [0, 1, 6, 14, 27]
    parts = [Query.of("How deep?", answer, selected=span) for span in pairwise(cuts)]
    whole = Query.of("How deep?", answer, selected=(0, len(answer)))
    scores = method.score(subject, tmp_path, parts)
    assert np.abs(scores).min(axis=1).all()
    np.testing.assert_allclose(scores.sum(axis=0), method.score(subject, tmp_path, [whole])[0], rtol=1e-3, atol=1e-2)
    values = values_now(subject.trajectory, query_tokens(subject, [*parts, whole]), subject.compute)
    assert float(values[:-1].sum()) == pytest.approx(float(values[-1]), rel=1e-5)


def test_gradients_are_finite_float32(subject: Subject) -> None:
    spec = GradientSpec((subject.trajectory.last,), 64, 0, adam=True)
    rows, _ = embed(subject.trajectory, spec, oracles.train_tokens(subject), subject.compute)
    assert rows.dtype == torch.float32
    assert bool(torch.isfinite(rows).all())
