import numpy as np
import pytest

from tests.methods import oracles
from whence.gradients.likelihood import batches, values_at, values_now
from whence.gradients.subject import Compute, Subject
from whence.types import Tokens


def of_length(length: int) -> Tokens:
    return Tokens((1,) * length, (1,) * length)


def test_batches_hold_every_item_once_and_items_of_similar_length_together() -> None:
    found = batches([of_length(n) for n in (9, 2, 7, 3, 8)], 2)
    assert found == [[1, 3], [2, 4], [0]]


def test_no_items_make_no_batches() -> None:
    assert batches([], 4) == []


def test_items_of_equal_length_keep_their_order() -> None:
    assert batches([of_length(5)] * 4, 3) == [[0, 1, 2], [3]]


@pytest.mark.parametrize("compute", [Compute(1), Compute(5), Compute(12, padding="left")])
def test_values_are_log_probabilities_in_the_order_of_the_items(subject: Subject, compute: Compute) -> None:
    items = oracles.train_tokens(subject)
    for checkpoint in subject.trajectory.checkpoints:
        found = values_at(subject.trajectory, checkpoint, items, compute)
        wanted = [oracles.log_p(subject, checkpoint, tokens) for tokens in items]
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5)


def test_values_now_are_those_of_the_weights_in_the_model(subject: Subject) -> None:
    items = oracles.train_tokens(subject)[:3]
    with subject.trajectory.base():
        found = values_now(subject.trajectory, items, subject.compute)
    np.testing.assert_allclose(found.numpy(), [oracles.log_p(subject, None, t) for t in items], rtol=1e-5)
