"""Every method in the registry keeps the contract, and the contract notices methods that do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy import ndarray

from tests.methods import oracles
from whence.errors import MethodError
from whence.gradients.likelihood import values_at
from whence.gradients.subject import Subject
from whence.methods import contract
from whence.methods.base import Method
from whence.methods.bm25 import Bm25
from whence.methods.contract_subject import PAIRS, own_queries, tiny_subject
from whence.methods.embedding import Embedding, encoder
from whence.methods.grad_dot import GradDot
from whence.methods.registry import METHODS, method_named
from whence.types import Query, Report

SETTINGS: dict[str, dict[str, Any]] = {
    "fisher": {"sketch": 256, "points": 2, "packed": False},
    "tracin": {"sketch": 256},
    "grad_dot": {"sketch": 256},
    "grad_cos": {"sketch": 256, "seed": 7},
    "less": {"sketch": 64},
    "trak": {"sketch": 256},
    "logra": {"sketch": 288},
    "trackstar": {"sketch": 256},
    "datainf": {"sketch": 288},
    "kfac": {"sketch": 256},
    "ekfac": {"sketch": 256},
    "fisher_cg": {},
    "source": {"sketch": 256, "labels": "data"},
    "unrolled": {"sketch": 256},
    "dda": {"sketch": 256, "beta": 0.25},
    "repsim": {},
    "bm25": {},
    "embedding": {},
}
# The others' formulas are held in test files of their own.
ORACLES = {
    "fisher": oracles.fisher_oracle(256, 0.1, (0, 1)),
    "tracin": oracles.tracin_oracle(256),
    "grad_dot": oracles.dot_oracle(256),
    "grad_cos": oracles.cosine_oracle(256, seed=7),
    "bm25": oracles.bm25_oracle(),
}


def case(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.network if name == "embedding" else ())


@pytest.fixture(params=[*(case(name) for name in METHODS), "embedding-tiny"])
def method(request: pytest.FixtureRequest, tiny_encoder: Path) -> Method:
    """Each registered method; the embedding also with a tiny random encoder, which needs no download."""
    if request.param == "embedding-tiny":
        return Embedding(str(tiny_encoder))
    return method_named(request.param, SETTINGS[request.param])


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_method_keeps_the_contract(method: Method, check: contract.Check, tmp_path: Path) -> None:
    check(method, tmp_path)


@pytest.mark.parametrize("name", ORACLES)
def test_scores_agree_with_the_formula_written_out(name: str, tmp_path: Path) -> None:
    contract.check_formula(method_named(name, SETTINGS[name]), ORACLES[name], tmp_path)


def test_cosines_of_vectors_agree_with_the_formula_written_out(tiny_encoder: Path, tmp_path: Path) -> None:
    method = Embedding(str(tiny_encoder))
    contract.check_formula(method, oracles.embedding_oracle(*encoder(method.model)), tmp_path)


def test_the_subject_was_really_trained(subject: Subject) -> None:
    path, items = subject.trajectory, oracles.train_tokens(subject)
    before, middle, after = (values_at(path, c, items, subject.compute) for c in path.checkpoints)
    assert bool((before < middle).all())
    assert bool((middle < after).all())


def test_two_subjects_are_alike_and_share_no_model(tmp_path: Path) -> None:
    one, other = tiny_subject(tmp_path), tiny_subject(tmp_path)
    pairs = zip(one.trajectory.model.parameters(), other.trajectory.model.parameters(), strict=True)
    assert all(torch.equal(a, b) and a is not b for a, b in pairs)


def test_a_subject_can_lack_moments(tmp_path: Path) -> None:
    assert all(c.moments is None for c in tiny_subject(tmp_path, moments=False).trajectory.checkpoints)


@dataclass(frozen=True)
class Liar(GradDot):
    """A method that breaks one promise."""

    fault: str = ""

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        if self.fault == "bytes":
            (folder / "when").write_bytes(np.random.default_rng().bytes(8))
        if self.fault == "resume":
            for path in folder.glob("rows*"):
                path.unlink()
        if self.fault == "silent":
            return super().build(subject, folder, lambda _: None)
        return super().build(subject, folder, report)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> ndarray:
        if self.fault == "empty":
            queries = [q for q in queries if q.answer]
        scores = super().score(subject, folder, queries)
        changes = {
            "batch": lambda: scores * subject.compute.batch_rows,
            "padding": lambda: scores + 1e4 * (subject.compute.padding == "left"),
            "shards": lambda: scores * subject.compute.rows_per_shard,
            "order": lambda: scores * np.arange(1, scores.shape[1] + 1),
            "float64": lambda: scores.astype(np.float64),
            "nan": lambda: scores * np.nan,
            "shape": lambda: scores.T,
            "sign": lambda: -scores,
            "formula": lambda: scores * 1.01,
            "saved": lambda: scores + id(subject.trajectory) % 1e6,
        }
        return changes.get(self.fault, lambda: scores)()

    def notes(self, subject: Subject) -> tuple[str, ...]:
        return ("no sentence",) if self.fault == "notes" else ()


@pytest.mark.parametrize(
    ("fault", "check", "complaint"),
    [
        ("bytes", contract.check_same_bytes, "differ in"),
        ("batch", contract.check_batch_size, "batch size"),
        ("padding", contract.check_padding, "padding side"),
        ("shards", contract.check_shards, "shard count"),
        ("order", contract.check_order, "order"),
        ("float64", contract.check_scores, "float32"),
        ("nan", contract.check_scores, "not finite"),
        ("shape", contract.check_scores, "shape"),
        ("saved", contract.check_saved, "opened again"),
        ("sign", contract.check_own_text, "own text"),
        ("resume", contract.check_resume, "reads"),
        ("silent", contract.check_resume, "report"),
        ("empty", contract.check_empty_answer, "empty answer"),
        ("notes", contract.check_notes, "sentence"),
    ],
)
def test_the_contract_notices_a_broken_promise(
    fault: str, check: contract.Check, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check(Liar(sketch=64, fault=fault), tmp_path)


def test_the_contract_notices_a_wrong_formula(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="differ from the formula"):
        contract.check_formula(Liar(sketch=64, fault="formula"), oracles.dot_oracle(64), tmp_path)


@dataclass(frozen=True)
class Seeds(Bm25):
    seeds: tuple[int, ...] = ()


def test_the_contract_notices_settings_that_do_not_survive_json(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="JSON"):
        contract.check_settings(Seeds(seeds=(1, 2)), tmp_path)


def test_the_contract_notices_a_method_that_hides_its_need_of_a_model(tmp_path: Path) -> None:
    class Hiding(Bm25):
        needs = GradDot.needs

    with pytest.raises(AssertionError, match="without one raised None"):
        contract.check_without_model(Hiding(), tmp_path)


def test_own_queries_hold_the_pairs(subject: Subject) -> None:
    queries = own_queries(subject)
    assert [(q.question, q.answer) for q in queries] == list(PAIRS)


def test_a_subject_without_its_model_says_so(subject: Subject) -> None:
    with pytest.raises(MethodError, match="needs the fine-tuned model"):
        _ = replace(subject, path=None).trajectory
