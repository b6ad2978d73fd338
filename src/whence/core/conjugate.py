"""Conjugate gradients: x with A x = b for a positive definite A that is only known by its products with vectors.

    Hestenes & Stiefel 1952, *Methods of Conjugate Gradients for Solving Linear Systems*, section 3, preconditioned

Several right-hand sides are solved side by side, each with its own steps, so that they share every product: here a
product is a pass over all training examples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Product = Callable[[Float[Tensor, "side width"]], Float[Tensor, "side width"]]
"""A matrix, given by its product with vectors."""


@dataclass(frozen=True)
class Solution:
    """The solutions, the length of each residual A x - b relative to b, and the number of products taken."""

    vectors: Float[Tensor, "side width"]
    residuals: Float[Tensor, " side"]
    products: int


def solve(
    product: Product, right: Float[Tensor, "side width"], precondition: Product, tolerance: float, products: int
) -> Solution:
    """Solve A x = b for every row b of `right`, to a residual of `tolerance` times its length.

    `precondition` is a positive definite approximation of the inverse of A. Stops after `products` products at the
    latest. Rows that have converged stay as they are while the others continue.
    """
    lengths = right.norm(dim=1)
    limit = tolerance * lengths
    x, r = torch.zeros_like(right), right.clone()
    z = precondition(r)
    p, rz = z.clone(), _dots(r, z)
    taken = 0
    while taken < products and bool((moving := r.norm(dim=1) > limit).any()):
        ap = product(p)
        taken += 1
        step = _ratio(rz, _dots(p, ap), moving)
        x, r = x + step * p, r - step * ap
        z = precondition(r)
        before, rz = rz, _dots(r, z)
        p = z + _ratio(rz, before, moving) * p
    return Solution(x, r.norm(dim=1) / lengths.clamp(min=1e-30), taken)


def _dots(a: Float[Tensor, "side width"], b: Float[Tensor, "side width"]) -> Float[Tensor, " side"]:
    return torch.linalg.vecdot(a, b)


def _ratio(above: Tensor, below: Tensor, moving: Tensor) -> Float[Tensor, "side 1"]:
    """above / below for rows that have not converged, else 0."""
    ratio = torch.where(moving, above / torch.where(moving, below, 1.0), 0.0)
    return ratio[:, None]
