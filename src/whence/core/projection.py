"""The Kronecker-structured random projection that turns a layer's gradient into a short sketch.

A layer's gradient G [out, in] becomes L^T G R with L [out, side] and R [in, side], random signs scaled by
1/sqrt(side). The sketches of all layers are *added*: with independent signs, <sketch(g), sketch(h)> is an unbiased
estimate of <g, h> over the concatenation of the layers (Johnson-Lindenstrauss; the Kronecker form is that of LoGra,
Choe et al. 2024, arXiv:2405.13954, eq. 5, there without the addition).
"""

import hashlib
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Projection:
    """The two sign matrices of one layer."""

    left: Float[Tensor, "out side"]
    right: Float[Tensor, "in side"]

    @staticmethod
    def of(name: str, shape: tuple[int, int], side: int, seed: int) -> "Projection":
        """The projection of the layer `name` with weight `shape` (out, in). Depends on name, shape and seed only,
        never on the order in which layers are met."""
        out, inner = shape
        return Projection(signs(f"{name}/left", out, side, seed), signs(f"{name}/right", inner, side, seed))

    def to(self, device: torch.device) -> "Projection":
        """The same projection on a device."""
        return Projection(self.left.to(device), self.right.to(device))

    def dense(self, gradient: Float[Tensor, "example out in"]) -> Float[Tensor, "example side side"]:
        """L^T G R for each example's gradient; the larger side of G is contracted first."""
        if gradient.shape[1] >= gradient.shape[2]:
            return torch.einsum("boi,op->bpi", gradient, self.left) @ self.right
        return self.left.T @ (gradient @ self.right)

    def factored(
        self, backward: Float[Tensor, "example token out"], forward: Float[Tensor, "example token in"]
    ) -> Float[Tensor, "example side side"]:
        """L^T (sum_t d_t x_t^T) R without forming the gradient: (D L)^T (X R)."""
        return (backward @ self.left).transpose(1, 2) @ (forward @ self.right)


def signs(name: str, rows: int, columns: int, seed: int) -> Float[Tensor, "rows columns"]:
    """Random signs scaled by 1/sqrt(columns), seeded by the content of `name`."""
    digest = hashlib.sha256(f"{seed}:{name}:{rows}x{columns}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    bits = torch.randint(0, 2, (rows, columns), generator=generator)
    return (2 * bits - 1).to(torch.float32) / columns**0.5


def side_of(width: int) -> int:
    """The side of a sketch of `width` numbers.

    Raises:
        ValueError: `width` is not a perfect square.
    """
    side = math.isqrt(max(width, 0))
    if side * side != width or width < 1:
        raise ValueError(f"A sketch must be a perfect square of numbers wide (4096, 1024, …), not {width}.")
    return side
