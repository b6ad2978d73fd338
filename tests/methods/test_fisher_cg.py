"""Against a dense solve: every example's whole gradient, F as an explicit matrix, inverted."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy import ndarray

from tests.methods import oracles
from tests.methods.test_kfac import as_labelled
from whence.errors import MethodError
from whence.gradients.subject import Compute, Subject
from whence.methods import contract, fisher_cg
from whence.methods.contract_subject import own_queries, tiny_subject
from whence.methods.fisher_cg import FisherCg
from whence.methods.kfac import fitted, labels_named
from whence.types import Query, Tokens, silent


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """The contract's, a pass over which is one batch."""
    return tiny_subject(tmp_path, Compute(batch_rows=12))


def dense_oracle(labels: str, damping: float = 0.1, seed: int = 0) -> oracles.Oracle:
    """g(q)^T (F + D)^-1 g(z), by the matrix of examples: with H = (h_i) / sqrt(n), F = H^T H, and D diagonal,
    (F + D)^-1 = D^-1 - D^-1 H^T (I + H D^-1 H^T)^-1 H D^-1."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        train = oracles.train_tokens(subject)
        oracles.stand_at(subject, subject.trajectory.last)
        drawn = [as_labelled(subject, tokens, labels, seed) for tokens in train]
        h = np.array([flat(subject, tokens) for tokens in drawn]) / np.sqrt(len(train))
        g = np.array([flat(subject, tokens) for tokens in train])
        q = np.array([flat(subject, tokens) for tokens in oracles.tokens_of(subject, queries)])
        ends = np.cumsum([weight.numel() for weight in oracles.stand_at(subject, subject.trajectory.last).values()])
        parts = np.split((h**2).sum(0), ends[:-1])
        d = np.concatenate([np.full(len(part), damping * part.mean()) for part in parts])
        small = np.linalg.inv(np.eye(len(h)) + (h / d) @ h.T)
        return (q / d) @ g.T - (q / d) @ h.T @ small @ (h / d) @ g.T

    return scores


def flat(subject: Subject, tokens: Tokens) -> ndarray:
    return np.concatenate([g.ravel() for g in oracles.gradient(subject, subject.trajectory.last, tokens).values()])


def test_scores_agree_with_a_dense_solve(tmp_path: Path):
    contract.check_formula(FisherCg(labels="data"), dense_oracle("data"), tmp_path)


def test_a_tighter_tolerance_comes_nearer_and_takes_more_passes(subject: Subject, tmp_path: Path):
    queries = own_queries(subject)[:2]
    FisherCg().build(subject, tmp_path, silent)
    wanted = dense_oracle("sampled")(subject, queries)
    found = [FisherCg(tolerance=t).score_rows(subject, tmp_path, queries, range(12)) for t in (0.3, 1e-2, 1e-4)]
    errors = [float(np.abs(each.scores.numpy() - wanted).max() / np.abs(wanted).max()) for each in found]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-3
    assert 0 < found[0].passes < found[1].passes < found[2].passes
    assert all(bool((each.residuals <= t).all()) for each, t in zip(found, (0.3, 1e-2, 1e-4), strict=True))


def test_a_short_list_is_scored_as_all_rows_are(subject: Subject, tmp_path: Path):
    method, queries = FisherCg(), own_queries(subject)[:2]
    FisherCg().build(subject, tmp_path, silent)
    whole = method.score_rows(subject, tmp_path, queries, range(12)).scores
    few = method.score_rows(subject, tmp_path, queries, [7, 0, 3]).scores
    torch.testing.assert_close(few, whole[:, [7, 0, 3]], rtol=1e-4, atol=1e-5 * float(whole.abs().max()))
    assert method.score_rows(subject, tmp_path, queries, []).scores.shape == (2, 0)


def test_passes_are_limited_and_the_residual_says_so(subject: Subject, tmp_path: Path):
    FisherCg().build(subject, tmp_path, silent)
    found = FisherCg(passes=2, tolerance=1e-6).score_rows(subject, tmp_path, own_queries(subject)[:1], [0])
    assert found.passes == 2
    assert float(found.residuals[0]) > 1e-6


def test_queries_solved_apart_are_solved_alike(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    queries = own_queries(subject)[:3]
    FisherCg().build(subject, tmp_path, silent)
    together = FisherCg().score(subject, tmp_path, queries)
    monkeypatch.setattr(fisher_cg, "NUMBERS_TOGETHER", 1)
    contract.assert_close(FisherCg().score(subject, tmp_path, queries), together, "solved apart")


def test_no_more_passes_are_needed_than_there_are_examples_and_one(subject: Subject, tmp_path: Path):
    method = FisherCg(tolerance=1e-3)
    method.build(subject, tmp_path, silent)
    assert method.score_rows(subject, tmp_path, own_queries(subject)[:3], [0]).passes <= len(subject.examples) + 1


def test_the_damping_is_that_of_ekfac(subject: Subject, tmp_path: Path):
    FisherCg().build(subject, tmp_path, silent)
    found = json.loads((tmp_path / fisher_cg.DAMPING).read_text("utf-8"))
    factors = fitted(subject, tmp_path, labels_named("sampled", 0), True, silent)
    assert found == {name: pytest.approx(factor.damping(0.1), rel=1e-4) for name, factor in factors.items()}


def test_a_layer_without_curvature_adds_nothing(subject: Subject, tmp_path: Path):
    """At the start of LoRA the B factors are zero, and so are all gradients of the A factors."""
    start = replace(subject, path=replace(subject.trajectory, checkpoints=subject.trajectory.checkpoints[:1]))
    method, queries = FisherCg(), own_queries(subject)[:2]
    method.build(start, tmp_path, silent)
    assert 0.0 in json.loads((tmp_path / fisher_cg.DAMPING).read_text("utf-8")).values()
    found = method.score_rows(start, tmp_path, queries, range(12))
    assert bool(found.scores.isfinite().all())
    assert bool((found.residuals <= method.tolerance).all())
    assert found.scores.argmax(1).tolist() == [0, 1]


@pytest.mark.parametrize("settings", [{"tolerance": 0.0}, {"tolerance": 1.0}, {"passes": 0}, {"damping": -1.0}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]):
    with pytest.raises(MethodError, match="must"):
        FisherCg(**settings)
