import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.methods.oracles import bm25_oracle
from whence.gradients.subject import Subject
from whence.methods.bm25 import Bm25, words
from whence.types import Query, silent

Texts = Callable[..., Subject]
QUERY = Query.of("the the lamp?", "seven coins, seven!")


def scores(method: Bm25, subject: Subject, folder: Path, *queries: Query) -> np.ndarray:
    method.build(subject, folder, silent)
    return method.score(subject, folder, queries)


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (3.0, 0.0), (1.2, 1.0)])
def test_scores_are_the_formula_with_repeated_words_and_the_factor_k1_plus_1(
    texts: Texts, tmp_path: Path, k1: float, b: float
) -> None:
    subject = texts(("The lamp?", "Seven seven seven."), ("A boat", "of the lamp of the sea"), ("x", "coins"))
    found = scores(Bm25(k1, b), subject, tmp_path, QUERY)
    np.testing.assert_allclose(found, bm25_oracle(k1, b)(subject, [QUERY]), rtol=1e-5)


def test_one_word_in_one_pair_of_the_mean_length_scores_its_rarity(texts: Texts, tmp_path: Path) -> None:
    # tf = 1 and |z| = mean |z|: the factor (k1 + 1) / (1 + k1) is 1, and idf(t) is left.
    found = scores(Bm25(), texts(("a", "b"), ("c", "d"), ("e", "f")), tmp_path, Query.of("?", "b"))
    np.testing.assert_allclose(found, [[np.log(1 + 2.5 / 1.5), 0, 0]], rtol=1e-6)


def test_a_pair_without_words_scores_nothing(texts: Texts, tmp_path: Path) -> None:
    subject = texts(("?!", "…"), ("the lamp", "seven"))
    found = scores(Bm25(), subject, tmp_path, QUERY)
    assert found[0, 0] == 0
    np.testing.assert_allclose(found, bm25_oracle()(subject, [QUERY]), rtol=1e-5)


def test_a_corpus_without_words_scores_nothing(texts: Texts, tmp_path: Path) -> None:
    found = scores(Bm25(), texts(("?!", "…"), ("!", "?")), tmp_path, QUERY)
    assert found.tolist() == [[0, 0]]


def test_a_query_without_known_words_scores_nothing(texts: Texts, tmp_path: Path) -> None:
    found = scores(Bm25(), texts(("a", "b"), ("c", "d")), tmp_path, Query.of("?", "…"), Query.of("zig", "zag"))
    assert found.tolist() == [[0, 0], [0, 0]]


def test_words_are_numbered_alike_in_every_process(texts: Texts, tmp_path: Path) -> None:
    Bm25().build(texts(("delta alpha", "charlie"), ("bravo", "echo")), tmp_path, silent)
    vocabulary = json.loads((tmp_path / "bm25" / "vocab.index.json").read_text("utf-8"))
    assert vocabulary == {"alpha": 0, "bravo": 1, "charlie": 2, "delta": 3, "echo": 4}


def test_words_are_lower_case_letters_and_numbers() -> None:
    assert words("Ünder 30 days, it’s FREE!") == ["ünder", "30", "days", "it", "s", "free"]
