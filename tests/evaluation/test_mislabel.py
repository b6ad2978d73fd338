from itertools import product

import numpy as np
import pytest

from tests.methods.oracles import sketched, train_tokens
from whence.errors import DataError
from whence.evaluation.mislabel import BATCH, Mislabelled, auc, self_influence
from whence.evaluation.scorers import Built, Chance
from whence.methods.contract_subject import tiny_subject
from whence.methods.grad_dot import GradDot
from whence.types import silent


def counted(suspicion: np.ndarray, wrong: np.ndarray) -> float:
    """Pairs of a wrong and a sound row in which the wrong one is more suspicious."""
    pairs = list(product(suspicion[wrong], suspicion[~wrong]))
    return sum(1.0 if bad > good else 0.5 if bad == good else 0.0 for bad, good in pairs) / len(pairs)


def test_the_area_is_the_share_of_pairs_in_order():
    draw = np.random.default_rng(2)
    for _ in range(20):
        suspicion, wrong = draw.integers(6, size=15).astype(float), draw.random(15) < 0.3
        wrong[:2] = True, False
        assert auc(suspicion, wrong).value == pytest.approx(counted(suspicion, wrong))


def test_the_error_is_about_that_of_drawing_again():
    draw, wrong = np.random.default_rng(3), np.arange(60) < 12
    drawn = [auc(draw.standard_normal(60) + wrong, wrong) for _ in range(400)]
    assert drawn[0].error is not None
    assert np.mean([one.error or 0 for one in drawn]) == pytest.approx(np.std([one.value for one in drawn]), rel=0.15)


def test_self_influence_is_the_score_of_each_pair_for_itself(tmp_path, monkeypatch: pytest.MonkeyPatch):
    subject = tiny_subject(tmp_path / "path")
    method, folder = GradDot(sketch=64), tmp_path / "rows"
    folder.mkdir()
    method.build(subject, folder, silent)
    found = self_influence(Built(method, folder), subject)
    last = subject.trajectory.last
    wanted = [np.dot(g, g) for g in (sketched(subject, last, tokens, 64, 0) for tokens in train_tokens(subject))]
    assert found.tolist() == pytest.approx(wanted, rel=0.02)
    monkeypatch.setattr("whence.evaluation.mislabel.BATCH", 5)
    assert BATCH > 12
    assert self_influence(Built(method, folder), subject).tolist() == pytest.approx(found.tolist(), rel=1e-4)
    assert self_influence(Chance(), subject).shape == (12,)


@pytest.mark.parametrize("rows", [(), (0, 1, 2), (3,), (-1,)])
def test_some_pairs_must_be_wrong_but_not_all(rows: tuple[int, ...]):
    with pytest.raises(DataError, match="some of the run's 3"):
        Mislabelled(rows, 3, made=False)
    assert Mislabelled((2, 0), 3, made=False).mask.tolist() == [True, False, True]
