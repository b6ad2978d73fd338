"""The segment algebra and the steps taken back, beside plain loops and beside retraining without an example."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from whence.core.kronecker import Eigenbasis, Kronecker
from whence.core.unrolling import Segment, Unrolling, carried, lasting, learned

COUNT, WIDTH, STEPS, RATE = 40, 6, 100, 0.5


@dataclass(frozen=True)
class Logistic:
    """A logistic regression trained by gradient descent on its mean loss, from zero, with every point recorded."""

    inputs: Tensor
    labels: Tensor
    rate: float = RATE

    def probabilities(self, weights: Tensor) -> Tensor:
        return torch.sigmoid(self.inputs @ weights)

    def gradients(self, weights: Tensor) -> Tensor:
        """Of each example's log-probability."""
        return (self.labels - self.probabilities(weights))[:, None] * self.inputs

    def hessian(self, weights: Tensor) -> Tensor:
        """Of the mean loss."""
        p = self.probabilities(weights)
        return self.inputs.T @ (self.inputs * (p * (1 - p))[:, None]) / len(self.inputs)

    def path(self, steps: int, counted: Tensor, preconditioner: Tensor | None = None) -> list[Tensor]:
        """The weights before each step and at the end; an example's loss counts `counted` / N."""
        weights = torch.zeros(self.inputs.shape[1], dtype=torch.float64)
        found = [weights]
        for _ in range(steps):
            step = self.rate * (counted[:, None] * self.gradients(weights)).sum(0) / len(self.inputs)
            weights = weights + (step if preconditioner is None else preconditioner * step)
            found.append(weights)
        return found


@cache
def logistic(labelled_by_chance: float = 0.1) -> tuple[Logistic, Tensor]:
    """The training problem, and 30 other inputs whose logits are asked for."""
    generator = torch.Generator().manual_seed(0)
    scales = torch.tensor([3.0, 2.0, 1.0, 0.5, 0.3, 0.1], dtype=torch.float64)
    inputs = torch.randn(COUNT + 30, WIDTH, generator=generator, dtype=torch.float64) * scales
    truth = torch.randn(WIDTH, generator=generator, dtype=torch.float64)
    labels = (inputs @ truth > 0).double()
    flipped = torch.rand(len(labels), generator=generator) < labelled_by_chance
    labels = torch.where(flipped, 1 - labels, labels)
    return Logistic(inputs[:COUNT], labels[:COUNT]), inputs[COUNT:]


def without_each(model: Logistic, steps: int, preconditioner: Tensor | None = None) -> Tensor:
    """By how much training on an example moved the final weights: exact, by training without it."""
    everything = torch.ones(COUNT, dtype=torch.float64)
    final = model.path(steps, everything, preconditioner)[-1]
    rows: list[Tensor] = []
    for i in range(COUNT):
        counted = everything.clone()
        counted[i] = 0
        rows.append(final - model.path(steps, counted, preconditioner)[-1])
    return torch.stack(rows)


def dense(hessian: Tensor, time: float, preconditioner: Tensor | None = None) -> Segment:
    """A whole Hessian as a layer with one input."""
    root = None if preconditioner is None else preconditioner.sqrt()
    matrix = hessian if root is None else root[:, None] * hessian * root
    values, vectors = torch.linalg.eigh(matrix)
    basis = Eigenbasis(vectors, torch.ones(1, 1, dtype=hessian.dtype))
    return Segment(Kronecker(basis, values[:, None]), time, None if root is None else root[:, None])


def source(model: Logistic, path: list[Tensor], parts: int, preconditioner: Tensor | None = None) -> Tensor:
    """SOURCE with `parts` segments and six checkpoints in all."""
    points = [path[round((len(path) - 1) * (k + 0.5) / 6)] for k in range(6)]
    groups = [points[k * 6 // parts : (k + 1) * 6 // parts] for k in range(parts)]
    time = model.rate * (len(path) - 1) / parts
    segments = [dense(torch.stack([model.hessian(w) for w in group]).mean(0), time, preconditioner) for group in groups]
    total = torch.zeros(COUNT, WIDTH, dtype=torch.float64)
    for at, group in enumerate(groups):
        gradients = torch.stack([model.gradients(w) for w in group]).mean(0)
        total += carried(gradients[:, :, None], segments, at)[:, :, 0] / COUNT
    return total


def agreement(found: Tensor, truth: Tensor, queries: Tensor) -> float:
    """Mean Spearman correlation over queries of the predicted changes of the query's logit with the real ones."""
    pairs = zip((queries @ found.T).numpy(), (queries @ truth.T).numpy(), strict=True)
    return float(np.mean([spearmanr(one, other).statistic for one, other in pairs]))


@pytest.mark.parametrize("time", [0.3, 2.0])
def test_the_functions_of_eigenvalues_are_sums_over_many_small_steps(time: float):
    values = torch.tensor([0.0, 1e-9, 0.2, 1.5, 40.0], dtype=torch.float64)
    left, moved = torch.ones(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    for _ in range(4_000):
        moved = moved + (1 - values * moved) * time / 4_000
        left = left - values * left * time / 4_000
    torch.testing.assert_close(lasting(values, time), left, rtol=1e-3, atol=2e-3)
    torch.testing.assert_close(learned(values, time), moved, rtol=1e-3, atol=1e-6)


def test_where_nothing_is_curved_a_push_leads_on_and_nothing_is_forgotten():
    flat = torch.tensor([0.0, 1e-12], dtype=torch.float32)
    torch.testing.assert_close(learned(flat, 7.0), torch.full((2,), 7.0))
    torch.testing.assert_close(lasting(flat, 7.0), torch.ones(2))


@pytest.mark.parametrize("preconditioned", [False, True])
def test_segments_agree_with_the_formula_written_out(preconditioned: bool):
    generator = torch.Generator().manual_seed(1)
    factors = [torch.randn(WIDTH, WIDTH, generator=generator, dtype=torch.float64) for _ in range(3)]
    hessians, times = [f @ f.T / WIDTH for f in factors], [0.4, 1.1, 0.2]
    metrics = [torch.rand(WIDTH, generator=generator, dtype=torch.float64) + 0.1 for _ in range(3)]
    gradients = torch.randn(3, 5, WIDTH, generator=generator, dtype=torch.float64)
    used = metrics if preconditioned else [None] * 3
    segments = [dense(h, t, p) for h, t, p in zip(hessians, times, used, strict=True)]
    for at in range(3):
        found = carried(gradients[at][:, :, None], segments, at)[:, :, 0]
        for z in range(5):
            scale = metrics if preconditioned else [torch.ones(WIDTH, dtype=torch.float64)] * 3
            maps = [torch.matrix_exp(-t * p[:, None] * h) for t, p, h in zip(times, scale, hessians, strict=True)]
            change = (torch.eye(WIDTH, dtype=torch.float64) - maps[at]) @ torch.linalg.inv(hessians[at])
            change = change @ gradients[at, z]
            for later in maps[at + 1 :]:
                change = later @ change
            torch.testing.assert_close(found[z], change)


def test_a_kronecker_layer_is_the_dense_product_of_its_factors():
    generator = torch.Generator().manual_seed(2)
    outputs, inputs = (torch.linalg.qr(torch.randn(n, n, generator=generator))[0] for n in (3, 4))
    values, root = torch.rand(3, 4, generator=generator), torch.rand(3, 4, generator=generator) + 0.5
    rows = torch.randn(2, 3, 4, generator=generator)
    basis = torch.kron(outputs, inputs)
    matrix = basis @ torch.diag(values.flatten()) @ basis.T
    diagonal = root.flatten()
    keep = torch.diag(diagonal) @ torch.matrix_exp(-0.7 * matrix) @ torch.diag(1 / diagonal)
    learn = (torch.eye(12) - torch.matrix_exp(-0.7 * matrix)) @ torch.linalg.inv(matrix)
    learn = torch.diag(diagonal) @ learn @ torch.diag(diagonal)
    segment = Segment(Kronecker(Eigenbasis(outputs, inputs), values), 0.7, root)
    for row, left, moved in zip(rows, segment.last(rows), segment.learn(rows), strict=True):
        torch.testing.assert_close(left.flatten(), keep @ row.flatten(), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(moved.flatten(), learn @ row.flatten(), rtol=1e-4, atol=1e-5)


def test_source_foretells_retraining_where_influence_functions_do_not():
    model, queries = logistic()
    truth = without_each(model, STEPS)
    path = model.path(STEPS, torch.ones(COUNT, dtype=torch.float64))
    inverse = torch.linalg.pinv(model.hessian(path[-1]))
    influence = model.gradients(path[-1]) @ inverse / COUNT
    found = agreement(source(model, path, 3), truth, queries)
    assert found > 0.95
    assert found > agreement(influence, truth, queries) + 0.05


def test_more_segments_do_better_than_one_and_are_right_in_size():
    model, queries = logistic()
    truth = without_each(model, STEPS)
    path = model.path(STEPS, torch.ones(COUNT, dtype=torch.float64))
    three, one = source(model, path, 3), source(model, path, 1)
    assert agreement(three, truth, queries) > agreement(one, truth, queries)
    assert 0.8 < float((three * truth).sum() / (truth * truth).sum()) < 1.2


def test_the_form_with_a_preconditioner_foretells_preconditioned_training():
    model, queries = logistic()
    metric = torch.tensor([0.2, 0.3, 1.0, 2.0, 3.0, 10.0], dtype=torch.float64)
    truth = without_each(model, STEPS, metric)
    path = model.path(STEPS, torch.ones(COUNT, dtype=torch.float64), metric)
    found = agreement(source(model, path, 3, metric), truth, queries)
    assert found > 0.95
    assert found > agreement(source(model, path, 3), truth, queries) + 0.03


def test_steps_taken_back_agree_with_dense_maps_multiplied_in_a_loop():
    generator = torch.Generator().manual_seed(3)
    batches = [torch.randn(size, 7, generator=generator) for size in (3, 1, 9, 2)]
    rates = [0.2, 0.05, 0.1, 0.7]
    unrolling = Unrolling(7)
    back = [unrolling.back(batches[t], rates[t]) for t in (3, 2, 1, 0)]
    for t, found in zip((3, 2, 1, 0), back, strict=True):
        for row, left in zip(batches[t].double(), found, strict=True):
            change = rates[t] * row
            for later in range(t + 1, 4):
                fisher = sum(torch.outer(g, g) for g in batches[later].double())
                change = torch.matrix_exp(-rates[later] * fisher) @ change
            torch.testing.assert_close(left.double(), change, rtol=1e-4, atol=1e-6)


def test_in_short_steps_they_are_the_maps_of_gradient_descent():
    generator = torch.Generator().manual_seed(4)
    batches = [torch.randn(4, 5, generator=generator) for _ in range(6)]
    unrolling, plain = Unrolling(5), torch.eye(5)
    for rows in reversed(batches):
        unrolling.back(rows, 1e-3)
        plain = plain @ (torch.eye(5) - 1e-3 * rows.T @ rows)
    torch.testing.assert_close(unrolling.matrix, plain, rtol=0, atol=5e-4)
    assert float((plain - torch.eye(5)).abs().max()) > 1e-2


def test_steps_longer_than_the_curvature_allows_do_not_explode():
    rows = torch.full((1, 4), 3.0)
    unrolling = Unrolling(4)
    for _ in range(50):
        unrolling.back(rows, 1.0)
    assert float(torch.linalg.matrix_norm(unrolling.matrix, 2)) <= 1 + 1e-4


def test_a_batch_of_rows_that_vanish_changes_nothing():
    unrolling = Unrolling(3)
    assert not unrolling.back(torch.zeros(2, 3), 0.1).any()
    assert torch.equal(unrolling.matrix, torch.eye(3))


def test_steps_taken_back_foretell_retraining():
    model, queries = logistic()
    truth = without_each(model, STEPS)
    path = model.path(STEPS, torch.ones(COUNT, dtype=torch.float64))
    unrolling, total = Unrolling(WIDTH), torch.zeros(COUNT, WIDTH)
    for weights in reversed(path[:-1]):
        total += unrolling.back(model.gradients(weights).float(), RATE / COUNT)
    pushed = sum(RATE / COUNT * model.gradients(weights) for weights in path[:-1])
    assert isinstance(pushed, Tensor)
    found = agreement(total.double(), truth, queries)
    assert found > 0.9
    assert found > agreement(pushed, truth, queries) + 0.05
