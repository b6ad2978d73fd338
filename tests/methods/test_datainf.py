from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy import ndarray

from tests.methods import oracles
from tests.methods.test_logra import Rows, blocks_of
from whence.errors import MethodError
from whence.gradients.subject import Subject
from whence.gradients.trajectory import Trajectory
from whence.methods.contract import built, check_formula
from whence.methods.contract_subject import own_queries
from whence.methods.datainf import DataInf, matrices
from whence.methods.logra import Blocks, through
from whence.types import Query


def datainf_oracle(side: int | None, places: Sequence[int] = (-1,)) -> oracles.Oracle:
    """The sum over the examples written out; the median over the checkpoints at `places`."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        items = oracles.train_tokens(subject), oracles.tokens_of(subject, queries)
        found = [closed_form(subject, *(blocks_of(subject, some, side, place) for some in items)) for place in places]
        return np.median(found, axis=0)

    return scores


def closed_form(subject: Subject, train: Rows, asked: Rows) -> ndarray:
    weights = {n.removesuffix(".weight"): p.numel() for n, p in subject.trajectory.model.named_parameters()}
    total = np.zeros((len(next(iter(asked.values()))), len(subject.examples)))
    for name, rows in train.items():
        damping = sum(float(g @ g) for g in rows) / (10 * len(rows) * weights[name])
        for j, q in enumerate(asked[name]):
            r = np.zeros_like(q)
            for g in rows:
                r += (q - (q @ g) / (damping + g @ g) * g) / (len(rows) * damping)
            total[j] += [r @ g for g in rows]
    return total


@pytest.mark.parametrize(("sketch", "side"), [(0, None), (288, 6), (10**6, None)])
def test_scores_agree_with_the_formula_written_out(sketch: int, side: int | None, tmp_path: Path) -> None:
    check_formula(DataInf(sketch), datainf_oracle(side), tmp_path)


def test_several_points_are_scored_by_their_median(tmp_path: Path) -> None:
    check_formula(DataInf(576, points=2), datainf_oracle(6, (1, 2)), tmp_path)


def test_before_rounding_whole_gradients_agree_with_a_dense_reference(subject: Subject) -> None:
    blocks, items = Blocks.of(subject.trajectory, 0, 0), oracles.train_tokens(subject)
    exact = blocks_of(subject, items, None)
    wanted = closed_form(subject, exact, exact)
    rows = torch.tensor(np.concatenate([exact[name] for name in blocks.narrowings], axis=1)).float()
    weights = [len(exact[name][0]) for name in blocks.narrowings]
    found = through(matrices([rows[:5], rows[5:]], blocks, weights), blocks, rows) @ rows.T
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5, atol=1e-5 * float(np.abs(wanted).max()))


def test_layers_without_a_gradient_say_nothing(subject: Subject, tmp_path: Path) -> None:
    path = subject.trajectory  # before the first step one factor of each layer is zero, and the other gets no gradient
    start = replace(subject, path=Trajectory(path.model, path.tokenizer, path.checkpoints[:1]))
    scores = built(DataInf(300), start, tmp_path / "index").scores(own_queries(subject)[:2])
    assert np.isfinite(scores).all()
    assert scores.argmax(1).tolist() == [0, 1]


def test_points_share_the_numbers_of_a_row(subject: Subject, tmp_path: Path) -> None:
    facts = DataInf(576, points=2).build(subject, tmp_path, lambda _: None)
    assert (facts["points"], facts["width"]) == ([6, 12], 576)


def test_notes_say_what_was_looked_at(subject: Subject) -> None:
    assert "Only the end" in " ".join(DataInf().notes(subject))
    assert DataInf(points=2).notes(subject) == ()
    assert "Only 2 of 3 points" in " ".join(DataInf(points=3).notes(subject))


@pytest.mark.parametrize("settings", [(-1, 1), (300, 0)])
def test_settings_out_of_range_are_refused(settings: tuple[int, int]) -> None:
    with pytest.raises(MethodError, match="must be positive"):
        DataInf(*settings)
