from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy import ndarray

from tests.methods import oracles
from whence.errors import MethodError
from whence.gradients.subject import Subject
from whence.gradients.trajectory import Trajectory
from whence.methods import contract
from whence.methods.contract import Oracle, assert_close, built
from whence.methods.contract_subject import own_queries, tiny_subject
from whence.methods.dda import Dda, debias, normalise
from whence.methods.grad_dot import GradDot
from whence.types import Query

METHOD = Dda(sketch=256, beta=0.25)


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_dda_agrees_with_its_formula(beta: float, tmp_path: Path):
    contract.check_formula(Dda(sketch=256, beta=beta), dda_oracle(256, beta), tmp_path)


def dda_oracle(sketch: int, beta: float) -> Oracle:
    """One query, one checkpoint, one example at a time."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        points = dots(subject, queries, sketch)
        total = np.zeros(points.shape[1:])
        for j in range(len(queries)):
            for c, scored in enumerate(points[:, j]):
                mean = sum(abs(score) for score in scored) / len(scored)
                share = -beta if c == 0 else 1 / (len(points) - 1)
                for i, score in enumerate(scored):
                    total[j, i] += share * score / mean
        return total

    return scores


def dots(subject: Subject, queries: Sequence[Query], sketch: int) -> ndarray:
    """<gradient of the query, gradient of the example> at every point, by autograd."""
    found: list[list[list[float]]] = []
    for point in subject.trajectory.checkpoints:
        train = [oracles.sketched(subject, point, tokens, sketch, 0) for tokens in oracles.train_tokens(subject)]
        asked = [oracles.sketched(subject, point, tokens, sketch, 0) for tokens in oracles.tokens_of(subject, queries)]
        found.append([[float(q @ g) for g in train] for q in asked])
    return np.array(found)


def starting_at(subject: Subject, first: int) -> Subject:
    """The subject with the recorded points from one of them on."""
    path = subject.trajectory
    return replace(subject, path=Trajectory(path.model, path.tokenizer, path.checkpoints[first:]))


def test_scores_are_kept_apart_by_checkpoint(subject: Subject, tmp_path: Path):
    queries = own_queries(subject)[:3]
    index = built(METHOD, subject, tmp_path / "index")
    found, wanted = METHOD.by_checkpoint(subject, index.folder, queries), dots(subject, queries, METHOD.sketch)
    assert found.shape == (3, 3, 12)
    for c in range(len(found)):
        assert_close(found[c], wanted[c], f"checkpoint {c}")


def test_without_debiasing_and_with_one_checkpoint_left_it_is_the_gradient_dot(subject: Subject, tmp_path: Path):
    end, queries = starting_at(subject, 2), own_queries(subject)[:3]
    dot = built(GradDot(sketch=256), end, tmp_path / "dot").scores(queries)
    found = built(METHOD, end, tmp_path / "dda").scores(queries)
    assert_close(found, dot / np.abs(dot).mean(axis=1, keepdims=True), "one checkpoint")


def test_where_the_start_was_not_recorded_nothing_is_taken_off(tmp_path: Path):
    later = starting_at(tiny_subject(tmp_path), 1)
    queries = own_queries(later)[:3]
    few = built(METHOD, later, tmp_path / "debiased").scores(queries)
    plain = built(replace(METHOD, beta=0.0), later, tmp_path / "plain").scores(queries)
    assert np.array_equal(few, plain)


def test_notes_say_what_was_not_recorded(subject: Subject):
    assert METHOD.notes(subject) == ()
    (start,) = METHOD.notes(starting_at(subject, 1))
    assert start.startswith("The start of training was not recorded")
    assert len(METHOD.notes(starting_at(subject, 2))) == 2


def test_a_checkpoint_counts_alike_however_large_its_scores_are():
    scores = np.random.default_rng(0).normal(size=(3, 2, 5))
    scaled = scores * np.array([1e6, 1.0, 1e-6])[:, None, None]
    assert np.allclose(debias(normalise(scaled), True, 0.3), debias(normalise(scores), True, 0.3))


def test_scores_that_are_all_zero_stay_zero():
    assert np.array_equal(normalise(np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("beta", [-0.1, float("nan"), float("inf")])
def test_a_beta_that_takes_nothing_off_is_refused(beta: float):
    with pytest.raises(MethodError, match="beta must be"):
        Dda(beta=beta)
