"""What pairs make of each other, out of the index, against a search with their own texts."""

from pathlib import Path

import numpy as np
import pytest

from whence.gradients.subject import Subject
from whence.methods.contract_subject import own_queries
from whence.methods.fisher import FisherInfluence
from whence.methods.pair_scores import HasPairScores
from whence.types import silent


@pytest.mark.parametrize(("sketch", "damping", "packed"), [(256, 0.1, False), (16, 1.0, False), (1024, 0.1, True)])
def test_the_index_tells_what_a_search_would(
    subject: Subject, tmp_path: Path, sketch: int, damping: float, packed: bool
) -> None:
    method = FisherInfluence(sketch, 2, damping, packed=packed)
    method.build(subject, tmp_path, silent)
    expected = method.score(subject, tmp_path, own_queries(subject))
    found = method.pair_scores(tmp_path)
    assert found is not None
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error < (0.2 if packed else 0.02)  # packed rows are rounded to half a byte a number
    assert isinstance(method, HasPairScores)


def test_an_index_that_kept_no_gram_matrix_does_not_know(subject: Subject, tmp_path: Path) -> None:
    method = FisherInfluence(9, 2, packed=False)  # fewer numbers than rows
    method.build(subject, tmp_path, silent)
    assert method.pair_scores(tmp_path) is None
