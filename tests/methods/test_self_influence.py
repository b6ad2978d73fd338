from functools import partial

import numpy as np
import pytest

from tests.methods.oracles import sketched, train_tokens
from whence.methods.contract_subject import tiny_subject
from whence.methods.grad_dot import GradDot
from whence.methods.self_influence import BATCH, self_influence
from whence.types import silent


def test_self_influence_is_the_score_of_each_pair_for_itself(tmp_path, monkeypatch: pytest.MonkeyPatch):
    subject = tiny_subject(tmp_path / "path")
    method, folder = GradDot(sketch=64), tmp_path / "rows"
    folder.mkdir()
    method.build(subject, folder, silent)
    scores = partial(method.score, subject, folder)
    found = self_influence(subject, scores, method.name)
    last = subject.trajectory.last
    wanted = [np.dot(g, g) for g in (sketched(subject, last, tokens, 64, 0) for tokens in train_tokens(subject))]
    assert found.tolist() == pytest.approx(wanted, rel=0.02)
    monkeypatch.setattr("whence.methods.self_influence.BATCH", 5)
    assert BATCH > 12
    assert self_influence(subject, scores, method.name).tolist() == pytest.approx(found.tolist(), rel=1e-4)
