from pathlib import Path

import numpy as np
import pytest
import torch

from tests.gradients.plain import one_by_one
from whence.core.packing import unpack
from whence.errors import MethodError
from whence.gradients.likelihood import values_now
from whence.gradients.subject import Subject, query_tokens
from whence.methods import fisher_tokens
from whence.methods.base import Method
from whence.methods.bm25 import Bm25
from whence.methods.fisher import FisherInfluence
from whence.methods.grad_dot import GradCos, GradDot
from whence.methods.rows import combined
from whence.methods.sketched_rows import embed
from whence.methods.token_scores import by_token
from whence.methods.tracin import TracIn
from whence.store.shards import Shards
from whence.types import Query, silent

QUERIES = [Query.of("Who keeps the lamp, then?", "Old Marta."), Query.of("Who keeps the gate?", "The cooper.")]
# Rows are twelve: fisher's inverse is taken in the columns' span with 9 numbers a sketch, in the rows' with 256.
METHODS = {
    "fisher-rows": FisherInfluence(256, 2, packed=False),
    "fisher-columns": FisherInfluence(9, 2, packed=False),
    "fisher-packed": FisherInfluence(1024, 2),
    "tracin": TracIn(256),
    "grad_dot": GradDot(256),
    "grad_cos": GradCos(256),
}


@pytest.mark.parametrize("name", METHODS)
def test_the_scores_of_its_tokens_add_up_to_the_pairs(name: str, subject: Subject, tmp_path: Path) -> None:
    method: Method = METHODS[name]
    place = tmp_path / "index"
    place.mkdir()
    method.build(subject, place, silent)
    scores = method.score(subject, place, QUERIES)
    for row in (0, 7):
        found = by_token(method).token_scores(subject, place, QUERIES, row)
        assert found.shape == (2, subject.examples.tokens(row).answer_length)
        # Rows are kept in bfloat16 or less, gradients of tokens are not.
        assert np.abs(found.sum(axis=1) - scores[:, row]).max() <= 0.02 * np.abs(scores).max()
        assert np.abs(found).max() > 0


def test_the_directions_of_fisher_are_the_written_out_ones(subject: Subject, tmp_path: Path) -> None:
    method, place = FisherInfluence(64, 1, packed=False), tmp_path / "index"
    place.mkdir()
    method.build(subject, place, silent)
    spec = method._spec(subject)
    items = [subject.examples.tokens(i) for i in range(12)]
    p = embed(subject.trajectory, spec, items, subject.compute)[0].to(torch.bfloat16).double()
    q = embed(subject.trajectory, spec, query_tokens(subject, QUERIES[:1]), subject.compute)[0][0].double()
    values, vectors = torch.linalg.eigh(p.T @ p)
    span = vectors[:, -12:]
    damping = 0.1 * float(values[-12:].mean())
    w = span @ torch.diag(1 / (values[-12:] + damping)) @ span.T @ q
    path = subject.trajectory
    path.move_to(path.last)
    change = float(values_now(path, [subject.examples.tokens(3)], subject.compute))
    path.move_to(path.checkpoints[0])
    change -= float(values_now(path, [subject.examples.tokens(3)], subject.compute))
    tokens, _ = embed(subject.trajectory, spec, one_by_one(subject.examples.tokens(3)), subject.compute)
    expected = change * (tokens.double() @ w).numpy()
    found = method.token_scores(subject, place, QUERIES[:1], 3)[0]
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["tracin", "grad_dot", "grad_cos"])
def test_the_scores_of_gradient_dots_are_those_of_one_token_after_the_other(
    name: str, subject: Subject, tmp_path: Path
) -> None:
    method, place = METHODS[name], tmp_path / "index"
    place.mkdir()
    method.build(subject, place, silent)
    spec = method._spec(subject)
    tokens, _ = embed(subject.trajectory, spec, one_by_one(subject.examples.tokens(5)), subject.compute)
    queries, _ = embed(subject.trajectory, spec, query_tokens(subject, QUERIES), subject.compute)
    weights = torch.tensor([c.weight for c in spec.checkpoints]) if name == "tracin" else torch.ones(1)
    dots = [
        q.view(-1, spec.width) * weights[:, None] * t.view(-1, spec.width) for q in queries.double() for t in tokens
    ]
    expected = torch.stack([dot.sum() for dot in dots]).view(2, -1)
    if name == "grad_cos":
        expected /= queries.double().norm(dim=1)[:, None] * tokens.double().sum(dim=0).norm()
    found = by_token(method).token_scores(subject, place, QUERIES, 5)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("packed", [False, True])
def test_rows_are_combined_as_a_product_of_matrices_does(packed: bool, tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(3)
    shards = Shards(tmp_path, 150, 24, 100, blocks=2 if packed else 0)
    rows, weights = torch.randn(150, 24, generator=draw), torch.randn(2, 3, 150, generator=draw)
    for shard in range(shards.count):
        shards.write(shard, rows[shards.span(shard).start : shards.span(shard).stop])
    kept = torch.cat([unpack(stored, 2) if packed else stored.float() for stored in shards])
    expected = torch.cat([weights[0] @ kept[:, :12], weights[1] @ kept[:, 12:]], dim=1)
    torch.testing.assert_close(combined(shards, weights), expected)


def test_an_index_of_too_many_pairs_says_which_methods_tell_tokens_apart(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fisher_tokens, "LARGEST", 8)
    for sketch in (64, 9):
        method, place = FisherInfluence(sketch, 1, packed=False), tmp_path / f"{sketch}"
        place.mkdir()
        method.build(subject, place, silent)
        assert not list(place.glob("gram*")) + list(place.glob("inverse*"))
        with pytest.raises(MethodError, match=r"at most 8 pairs.*tracin"):
            method.token_scores(subject, place, QUERIES[:1], 0)


def test_a_method_that_scores_whole_pairs_names_those_that_do_not() -> None:
    with pytest.raises(MethodError, match=r"which bm25 is not\. Use the index of fisher"):
        by_token(Bm25())
