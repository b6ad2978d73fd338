"""K-FAC against an explicit Kronecker matrix for each layer, one example and one token at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy import ndarray

from tests.gradients.test_curvature import token_pairs
from tests.methods import oracles
from whence.errors import MethodError
from whence.gradients.curvature import Sampled
from whence.gradients.measurement import answer_logits, collate
from whence.gradients.subject import Subject
from whence.methods import contract
from whence.methods.contract_subject import own_queries, tiny_subject
from whence.methods.kfac import FACTORS, KfacInfluence
from whence.types import Query, Tokens, silent


def as_labelled(subject: Subject, tokens: Tokens, labels: str, seed: int) -> Tokens:
    """The example with the labels that curvature is measured with."""
    if labels == "data":
        return tokens
    batch = collate([tokens], 0, "right", torch.device("cpu"))
    drawn = iter(Sampled(seed)(answer_logits(subject.trajectory.model, batch).detach(), batch).tolist())
    return Tokens(
        tokens.input_ids, tuple(next(drawn) if y != -100 and t else -100 for t, y in enumerate(tokens.labels))
    )


def covariances(subject: Subject, items: Sequence[Tokens]) -> dict[str, tuple[ndarray, ndarray]]:
    """S and A of every layer, a token at a time."""
    found: dict[str, list[ndarray]] = {}
    count = sum(len(tokens.input_ids) for tokens in items)
    for tokens in items:
        for name, (x, d) in token_pairs(subject.trajectory.model, dict(subject.trajectory.layers), tokens).items():
            sums = found.setdefault(name, [np.zeros((m.shape[1], m.shape[1])) for m in (d, x)])
            for total, rows in zip(sums, (d, x), strict=True):
                for row in rows.double().numpy():
                    total += np.outer(row, row) / count
    return {name: (outputs, inputs) for name, (outputs, inputs) in found.items()}


def curvature(subject: Subject, items: Sequence[Tokens], corrected: bool) -> dict[str, ndarray]:
    """Each layer's H as an explicit matrix over the entries of its weight, row after row."""
    last, found = subject.trajectory.last, {}
    gradients = [oracles.gradient(subject, last, tokens) for tokens in items] if corrected else []
    for name, (outputs, inputs) in covariances(subject, items).items():
        if not corrected:
            found[name] = np.kron(outputs, inputs)
            continue
        vectors = np.kron(np.linalg.eigh(outputs)[1], np.linalg.eigh(inputs)[1])
        squares = [(vectors.T @ gradient[name].reshape(-1)) ** 2 for gradient in gradients]
        found[name] = vectors @ np.diag(np.mean(squares, axis=0)) @ vectors.T
    return found


def kronecker_oracle(corrected: bool, labels: str, damping: float = 0.1, seed: int = 0) -> oracles.Oracle:
    """<q, (H + d I)^-1 g> with H inverted as a matrix, layer by layer."""

    def scores(subject: Subject, queries: Sequence[Query]) -> ndarray:
        last, train = subject.trajectory.last, oracles.train_tokens(subject)
        oracles.stand_at(subject, last)
        matrices = curvature(subject, [as_labelled(subject, t, labels, seed) for t in train], corrected)
        inverse = {n: np.linalg.inv(h + damping * np.trace(h) / len(h) * np.eye(len(h))) for n, h in matrices.items()}
        rows, asked = (
            [oracles.gradient(subject, last, t) for t in items]
            for items in (train, oracles.tokens_of(subject, queries))
        )
        return np.array([[sum(q[n].ravel() @ inverse[n] @ g[n].ravel() for n in g) for g in rows] for q in asked])

    return scores


def test_whole_gradients_agree_with_the_formula_written_out(tmp_path: Path):
    contract.check_formula(KfacInfluence(sketch=0, labels="data"), kronecker_oracle(False, "data"), tmp_path)


def test_a_wider_sketch_comes_nearer_to_whole_gradients(subject: Subject, tmp_path: Path):
    queries = own_queries(subject)[:3]
    exact = scored(KfacInfluence(sketch=0, labels="data"), subject, queries, tmp_path / "exact")
    errors = [
        np.abs(scored(KfacInfluence(sketch=width, labels="data"), subject, queries, tmp_path / f"{width}") - exact)
        for width in (64, 4096)
    ]
    sizes = [float(np.sqrt((error**2).mean() / (exact**2).mean())) for error in errors]
    assert sizes[0] > 4 * sizes[1]


def test_whole_gradients_are_kept_more_precisely_than_bfloat16(subject: Subject, tmp_path: Path):
    method = KfacInfluence(sketch=0, labels="data")
    found = scored(method, subject, own_queries(subject), tmp_path)
    torch.testing.assert_close(found, found.T, rtol=0, atol=2**-14 * float(found.max()))


def test_a_build_reads_its_factors_instead_of_fitting_them_again(subject: Subject, tmp_path: Path):
    method, steps = KfacInfluence(sketch=64), list[str]()
    method.build(subject, tmp_path, lambda progress: steps.append(progress.step))
    assert "curvature" in steps
    steps.clear()
    method.build(subject, tmp_path, lambda progress: steps.append(progress.step))
    assert "curvature" not in steps
    assert (tmp_path / FACTORS).is_file()


def test_the_seed_changes_what_is_drawn_and_the_sketch(tmp_path: Path):
    subject = tiny_subject(tmp_path)
    one, other = (
        scored(KfacInfluence(0, seed=seed), subject, own_queries(subject)[:1], tmp_path / f"{seed}") for seed in (0, 1)
    )
    assert not np.allclose(one, other, rtol=0.01)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [({"damping": 0.0}, "positive"), ({"labels": "mine"}, "'mine'"), ({"sketch": 60}, "perfect square")],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], complaint: str):
    with pytest.raises(MethodError, match=complaint):
        KfacInfluence(**settings)


def scored(method: KfacInfluence, subject: Subject, queries: Sequence[Query], folder: Path) -> ndarray:
    folder.mkdir(exist_ok=True)
    method.build(subject, folder, silent)
    return method.score(subject, folder, queries)
