from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from whence.core.adamw import AdamW, State, cut

RATES = (0.0, 0.02, 0.05, 0.03, 0.01)


def gradients(size: int = 6) -> list[Tensor]:
    """One for each rate: some longer than 1, some shorter; the last entry is always zero."""
    drawn = torch.randn(len(RATES), size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn[:, -1] = 0
    return [g * length / g.norm() for g, length in zip(drawn, (0.5, 3.0, 0.7, 2.0, 0.9), strict=True)]


def after(optimizer: AdamW, start: Tensor, pushes: Sequence[Tensor]) -> Tensor:
    state = State.begin(start)
    for number, (gradient, rate) in enumerate(zip(pushes, RATES, strict=True), start=1):
        state = optimizer.step(state, gradient, number, rate)
    return state.weights


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("limit", [None, 1.0])
def test_steps_are_those_of_torch(decay: float, limit: float | None) -> None:
    start = torch.linspace(-1, 1, 6, dtype=torch.float64)
    weight = torch.nn.Parameter(start.clone())
    theirs = torch.optim.AdamW([weight], betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
    for gradient, rate in zip(gradients(), RATES, strict=True):
        weight.grad = gradient.clone()
        if limit is not None:
            torch.nn.utils.clip_grad_norm_([weight], limit)
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
    ours = after(AdamW(decay=decay, limit=limit), start, gradients())
    torch.testing.assert_close(ours, weight.detach(), rtol=1e-12, atol=1e-14)


def test_a_longer_gradient_is_cut_and_a_shorter_one_is_not() -> None:
    long, short = torch.tensor([3.0, 4.0]), torch.tensor([0.3, 0.4])
    torch.testing.assert_close(cut(long, 1.0), long / 5)
    assert torch.equal(cut(short, 1.0), short)


def test_the_derivative_in_every_gradient_is_that_of_central_differences() -> None:
    optimizer, start, given = AdamW(decay=0.1), torch.ones(6, dtype=torch.float64), gradients()
    direction = torch.arange(6, dtype=torch.float64)
    leaves = [g.clone().requires_grad_() for g in given]
    found = torch.autograd.grad(after(optimizer, start, leaves) @ direction, leaves)
    h = 1e-6
    for place, derivative in enumerate(found):
        for entry in range(5):
            ends = [[g.clone() for g in given] for _ in range(2)]
            ends[0][place][entry] += h
            ends[1][place][entry] -= h
            up, down = (float(after(optimizer, start, pushes) @ direction) for pushes in ends)
            assert float(derivative[entry]) == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-8)


def test_an_entry_without_any_gradient_stays_and_leaves_every_derivative_finite() -> None:
    start = State.begin(torch.ones(6, dtype=torch.float64)).leaf()
    gradient = gradients()[1].requires_grad_()
    end = AdamW().step(start, gradient, 1, 0.1)
    assert end.weights[-1] == 1
    found = torch.autograd.grad(end.weights.sum() + end.second.sum(), [*start.parts, gradient])
    assert all(bool(part.isfinite().all()) for part in found)
    assert found[2][-1] == 1 * 0.999  # through the second moment alone: the root adds nothing at zero
