"""One step of AdamW as a function of tensors, so that it can be differentiated; all weights lie in one flat vector.

With the gradient g, cut to length `limit` where it is longer (g limit / (|g| + 1e-6)), at step t with learning rate r:

    m' = b1 m + (1 - b1) g            v' = b2 v + (1 - b2) g^2
    w' = w - r decay w - r (m' / (1 - b1^t)) / (sqrt(v' / (1 - b2^t)) + epsilon)

Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2, in the order of operations of `torch.optim.AdamW`.

The root has an infinite slope at v' = 0. There every gradient so far was exactly zero (an adapter's inner matrix before
its outer one has moved), so m' and the entry's step are zero as well: the slope in v' is taken as zero.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

NORM_GUARD = 1e-6
"""Added by torch to a gradient's length before dividing by it."""


@dataclass(frozen=True)
class State:
    """The state of training: the trained weights, and Adam's first and second moments, not bias-corrected."""

    weights: Float[Tensor, " parameter"]
    first: Float[Tensor, " parameter"]
    second: Float[Tensor, " parameter"]

    @staticmethod
    def begin(weights: Float[Tensor, " parameter"]) -> "State":
        """Return the state before the first step."""
        return State(weights, torch.zeros_like(weights), torch.zeros_like(weights))

    @property
    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """The three vectors."""
        return self.weights, self.first, self.second

    def leaf(self) -> "State":
        """The same values as the start of a new graph."""
        return State(*(part.detach().requires_grad_() for part in self.parts))


@dataclass(frozen=True)
class AdamW:
    """The optimizer's settings. `limit`: the length that longer gradients are cut to (None: no limit)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.0
    limit: float | None = 1.0

    def step(self, state: State, gradient: Float[Tensor, " parameter"], count: int, rate: float) -> State:
        """Return the state after step number `count`, the first being 1, at this learning rate."""
        g = gradient if self.limit is None else cut(gradient, self.limit)
        first = self.beta1 * state.first + (1 - self.beta1) * g
        second = self.beta2 * state.second + (1 - self.beta2) * g * g
        scale = root(second) / (1 - self.beta2**count) ** 0.5 + self.epsilon
        kept = state.weights * (1 - rate * self.decay)
        return State(kept - rate / (1 - self.beta1**count) * first / scale, first, second)


def cut(gradient: Float[Tensor, " parameter"], limit: float) -> Float[Tensor, " parameter"]:
    """The gradient, scaled down to the length `limit` if it is longer."""
    factor = limit / (torch.linalg.vector_norm(gradient) + NORM_GUARD)
    return gradient * factor.clamp(max=1.0)


def root(values: Float[Tensor, " parameter"]) -> Float[Tensor, " parameter"]:
    """The square root, with slope zero where a value is zero."""
    none = values == 0
    # Both sides of a `where` are differentiated: the root must not see the zeros either.
    return torch.where(none, 0.0, values.masked_fill(none, 1.0).sqrt())
