import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.methods.oracles import answer_log_p
from tests.retraining.test_likelihoods import QUERIES
from whence.evaluation.tail_patch import CLIPPED, last_rate, tail_patches
from whence.gradients.trajectory import ADAM_EPSILON
from whence.retraining.likelihoods import RetrainedModels
from whence.training.run import Run
from whence.training.trace import read_steps


def by_hand(models: RetrainedModels, rows: list[int], rate: float) -> np.ndarray:
    """The changes of all queries by one step on these rows, weight by weight."""
    path, examples = models.subject.trajectory, models.subject.examples
    path.move_to(path.last)
    named = {name: p for name, p in path.model.named_parameters() if p.requires_grad}
    before = models.own(QUERIES)
    items = [examples.tokens(row) for row in rows]
    total = sum(answer_log_p(path.model, item) for item in items) / sum(item.answer_length for item in items)
    gradients = torch.autograd.grad(total, list(named.values()))
    length = sum(float((g.double() ** 2).sum()) for g in gradients) ** 0.5
    moments = load_file(path.last.moments)
    for (name, weight), gradient in zip(named.items(), gradients, strict=True):
        clipped = gradient * min(1, CLIPPED / length)
        weight.data += rate * clipped / (moments[name].float().sqrt() + ADAM_EPSILON)
    path.at = path.last.step  # what stands there is measured
    after = models.own(QUERIES)
    path.at = -1
    path.move_to(path.last)
    return after - before


def test_it_is_the_change_by_one_step_on_the_first_pairs(learned: Run, models: RetrainedModels):
    scores = np.zeros((3, 12))
    scores[:, 4], scores[:, 7] = 2, 1
    rate = last_rate(models.subject.trajectory)
    found = tail_patches(models, {"fixed": scores}, QUERIES, 2)["fixed"]
    wanted = by_hand(models, [4, 7], rate)
    assert found.value == pytest.approx(wanted.mean(), rel=1e-3, abs=1e-5)
    assert found.error == pytest.approx(wanted.std(ddof=1) / 3**0.5, rel=1e-3, abs=1e-5)


def test_a_pairs_own_answer_gains_most_by_a_step_on_itself(models: RetrainedModels):
    own, other = np.eye(12)[:3], np.roll(np.eye(12)[:3], 5, axis=1)
    before = models.own(QUERIES)
    found = tail_patches(models, {"own": own, "other": other}, QUERIES, 1)
    assert found["own"].value > max(found["other"].value, 0)
    assert np.array_equal(models.own(QUERIES), before)


def test_the_rate_is_that_of_the_last_step(learned: Run):
    rates = [row["learning_rate"] for row in read_steps(learned.folder / "trace")]
    assert 0 < last_rate(learned.trajectory) == rates[-1] < max(rates)
