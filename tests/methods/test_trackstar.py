from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy import ndarray

from tests.methods import oracles
from tests.methods.test_less import moments_at, sketched
from whence.errors import MethodError
from whence.gradients.subject import Subject
from whence.methods.contract import assert_close, built, check_formula
from whence.methods.contract_subject import own_queries, tiny_subject
from whence.methods.trackstar import TrackStar, whitened, whitening_basis
from whence.store.shards import Shards
from whence.types import Query


def trackstar_oracle(sketch: int, damping: float) -> oracles.Oracle:
    """R^(-1/2) by an eigendecomposition of the whole R, applied to both sides, one pair of texts at a time."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        last = subject.trajectory.last
        moments = moments_at(subject, last)
        train, asked = (
            np.array([sketched(subject, last, tokens, sketch, moments) for tokens in side])
            for side in (oracles.train_tokens(subject), oracles.tokens_of(subject, queries))
        )
        half, total = inverse_root(train, damping), np.zeros((len(asked), len(train)))
        for j, q in enumerate(asked):
            for i, p in enumerate(train):
                total[j, i] = (half @ q) @ (half @ p) / np.linalg.norm(half @ q) / np.linalg.norm(half @ p)
        return total

    return scores


def inverse_root(rows: ndarray, damping: float) -> ndarray:
    """(P^T P + d I)^(-1/2), dense."""
    gram = rows.T @ rows
    values, vectors = np.linalg.eigh(gram + damping * np.trace(gram) / min(rows.shape) * np.eye(len(gram)))
    return vectors @ np.diag(values**-0.5) @ vectors.T


# Rows are twelve: with 9 numbers a sketch R is factored in the columns' span, with 256 in the rows'.
@pytest.mark.parametrize(("sketch", "damping"), [(256, 0.1), (9, 1.0)])
def test_scores_agree_with_the_formula_written_out(sketch: int, damping: float, tmp_path: Path) -> None:
    check_formula(TrackStar(sketch, damping), trackstar_oracle(sketch, damping), tmp_path)


def test_without_moments_plain_gradients_stand_in_and_it_says_so(tmp_path: Path) -> None:
    subject = tiny_subject(tmp_path, moments=False)
    queries = own_queries(subject)[:2]
    found = built(TrackStar(64), subject, tmp_path / "index").scores(queries)
    assert_close(found, trackstar_oracle(64, 0.1)(subject, queries), "scores")
    assert "plain gradients" in " ".join(TrackStar().notes(subject))


@pytest.mark.parametrize(("rows", "width"), [(5, 16), (40, 16), (16, 16)])
@pytest.mark.parametrize("damping", [1e-4, 0.1, 10.0])
def test_whitening_is_the_inverse_root_up_to_a_factor(rows: int, width: int, damping: float, tmp_path: Path) -> None:
    shards = Shards(tmp_path, rows, width, 7)
    made = torch.randn(rows, width, generator=torch.Generator().manual_seed(0))
    made[:, :2] *= 30  # a few directions that all rows share
    made[-1] = 0
    for shard in range(shards.count):
        shards.write(shard, made[shards.span(shard).start : shards.span(shard).stop])
    stored = torch.cat(list(shards)).double()
    found = whitened(torch.eye(width, dtype=torch.float64), whitening_basis(shards, damping)).numpy()
    wanted = inverse_root(stored.numpy(), damping)
    d = damping * float(stored.square().sum()) / min(rows, width)
    np.testing.assert_allclose(found / d**0.5, wanted, rtol=1e-5, atol=1e-5 * float(np.abs(wanted).max()))


def test_scores_are_cosines_and_a_pair_is_closest_to_itself(subject: Subject, tmp_path: Path) -> None:
    found = built(TrackStar(256), subject, tmp_path / "index").scores(own_queries(subject))
    np.testing.assert_allclose(np.diag(found), 1, atol=2**-8)
    assert float(np.abs(found - np.diag(np.diag(found))).max()) < 0.9


def test_damping_must_be_positive() -> None:
    with pytest.raises(MethodError, match="damping must be positive"):
        TrackStar(damping=0.0)
