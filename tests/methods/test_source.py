from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from tests.methods import oracles
from whence.core.kronecker import Covariance
from whence.core.projection import Projection
from whence.errors import MethodError
from whence.gradients.curvature import data_labels, fit_covariances
from whence.gradients.subject import Subject
from whence.methods import contract
from whence.methods.contract_subject import own_queries, tiny_subject
from whence.methods.kfac import training_batches
from whence.methods.source import Source
from whence.types import Progress, Query, silent

SKETCH = 64


def source_oracle(parts: Sequence[Sequence[int]], sketch: int, adam: bool) -> oracles.Oracle:
    """SOURCE with the labels of the data, dense matrices, one layer and one example at a time; `parts`: which
    checkpoints of the path make each segment, by their place."""

    def scores(subject: Subject, queries: Sequence[Query]) -> np.ndarray:
        path, train = subject.trajectory, oracles.train_tokens(subject)
        found = {c: [oracles.gradient(subject, path.checkpoints[c], t) for t in train] for part in parts for c in part}
        asked = [oracles.gradient(subject, path.last, t) for t in oracles.tokens_of(subject, queries)]
        spread = [token_covariances(subject, part) for part in parts]
        ends = oracles.adam_weight(subject, len(path.checkpoints) - 1)
        rows, sides = np.zeros((len(train), sketch)), np.zeros((len(asked), sketch))
        for name in path.layers:
            shape = asked[0][name].shape
            change = np.zeros((len(train), shape[0] * shape[1]))
            for part, covariances in zip(parts, spread, strict=True):
                root = mean_root(subject, part, name) if adam else np.ones(shape)
                gradients = [[root * each[name] for each in found[c]] for c in part]
                outputs, inputs = whole_covariances(gradients) if adam else covariances[name]
                hessian = dense_curvature(gradients, outputs, inputs) / answer_tokens(subject)
                time = sum(path.checkpoints[c].weight for c in part)
                push = np.mean(gradients, axis=0).reshape(len(train), -1) / answer_tokens(subject)
                change = flown(change / root.reshape(-1), push, hessian, time) * root.reshape(-1)
            end = ends[name].reshape(-1) if adam and ends else np.ones(change.shape[1])
            made = Projection.of(name, shape, int(sketch**0.5), 0)
            dense = np.kron(made.left.double().numpy(), made.right.double().numpy())
            rows += (change / end) @ dense
            sides += np.array([end * q[name].reshape(-1) for q in asked]) @ dense
        return sides @ rows.T

    return scores


def flown(change: np.ndarray, push: np.ndarray, hessian: np.ndarray, time: float) -> np.ndarray:
    """Where d' = push - hessian d has led after `time` from d = change: the exponential of the augmented matrix."""
    size = len(hessian)
    augmented = np.zeros((2 * size, 2 * size))
    augmented[:size, :size], augmented[:size, size:] = -hessian, np.eye(size)
    flow = expm(time * augmented)
    return change @ flow[:size, :size].T + push @ flow[:size, size:].T


def answer_tokens(subject: Subject) -> int:
    return sum(label != -100 for t in oracles.train_tokens(subject) for label in t.labels[1:])


def mean_root(subject: Subject, part: Sequence[int], name: str) -> np.ndarray:
    """v^(-1/4) with the mean v over a segment's checkpoints."""
    weights = [oracles.adam_weight(subject, c) for c in part]
    return np.mean([w[name] ** -4.0 for w in weights if w], axis=0) ** -0.25


def whole_covariances(gradients: list[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The sums of g g^T and g^T g over all."""
    each = [g for of_checkpoint in gradients for g in of_checkpoint]
    return np.sum([g @ g.T for g in each], axis=0), np.sum([g.T @ g for g in each], axis=0)


def token_covariances(subject: Subject, part: Sequence[int]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """K-FAC's covariances (which have an oracle of their own), means over a segment's checkpoints."""
    path, found = subject.trajectory, list[dict[str, Covariance]]()
    for c in part:
        path.at = -1  # the oracles move the weights behind the path's back
        path.move_to(path.checkpoints[c])
        found.append(fit_covariances(path.model, path.layers, training_batches(subject), data_labels))
    path.at = -1
    mean = {name: Covariance.mean([each[name] for each in found]) for name in path.layers}
    return {name: (each.outputs.double().numpy(), each.inputs.double().numpy()) for name, each in mean.items()}


def dense_curvature(gradients: list[list[np.ndarray]], outputs: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """The sum over examples, the mean over checkpoints, of g g^T, made diagonal in the Kronecker basis."""
    left, right = np.linalg.eigh(outputs)[1], np.linalg.eigh(inputs)[1]
    values = sum((left.T @ g @ right) ** 2 for of_checkpoint in gradients for g in of_checkpoint) / len(gradients)
    basis = np.kron(left, right)
    return basis @ np.diag(np.reshape(values, -1)) @ basis.T


@pytest.mark.parametrize(
    ("segments", "parts", "adam"),
    [(3, ((0,), (1,), (2,)), True), (2, ((0,), (1, 2)), True), (2, ((0,), (1, 2)), False)],
)
def test_scores_agree_with_dense_matrices(
    tmp_path: Path, segments: int, parts: tuple[tuple[int, ...], ...], adam: bool
):
    method = Source(segments, SKETCH, adam, labels="data")
    contract.check_formula(method, source_oracle(parts, SKETCH, adam), tmp_path)


def test_without_moments_steps_are_plain_and_a_note_says_so(tmp_path: Path):
    bare = tiny_subject(tmp_path / "bare", moments=False)
    queries = own_queries(bare)[:2]
    found = contract.built(Source(sketch=SKETCH), bare, tmp_path / "index").scores(queries)
    plain = contract.built(Source(sketch=SKETCH, adam=False), tiny_subject(tmp_path / "whole"), tmp_path / "plain")
    contract.assert_close(found, plain.scores(queries), "scores")
    assert "plain gradient descent" in Source().notes(bare)[0]
    assert Source(adam=False).notes(bare) == Source().notes(tiny_subject(tmp_path / "other")) == ()


def test_a_short_path_has_as_many_segments_as_checkpoints(subject: Subject, tmp_path: Path):
    place = tmp_path / "index"
    place.mkdir()
    facts = Source(segments=9, sketch=SKETCH).build(subject, place, silent)
    assert facts["segments"] == [[0], [6], [12]]
    assert "in 3 segments" in Source(segments=9).notes(subject)[0]


def test_a_run_without_learning_rates_is_refused(subject: Subject, tmp_path: Path):
    path = copy(subject.trajectory)
    path.steps = ()
    with pytest.raises(MethodError, match="no record"):
        contract.built(Source(sketch=SKETCH), replace(subject, path=path), tmp_path / "index")


def test_the_index_keeps_only_its_rows_and_its_progress_is_whole(subject: Subject, tmp_path: Path):
    reports, place = list[Progress](), tmp_path / "index"
    contract.built(Source(2, SKETCH), subject, place, reports.append)
    names = sorted(path.name for path in place.iterdir())
    assert names == ["rows-00000.bf16", "rows-00001.bf16", "rows-00002.bf16", "rows.json"]
    curvature = [r for r in reports if r.step == "curvature"]
    assert curvature[-1].done == curvature[-1].total == 2 * 3 * 12


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [({"sketch": 1000}, "square"), ({"segments": 0}, "at least 1"), ({"labels": "x"}, "data")],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], complaint: str):
    with pytest.raises(MethodError, match=complaint):
        Source(**settings)
