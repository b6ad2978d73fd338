"""The Kronecker-structured random projection that turns a layer's gradient into a short sketch.

A layer's gradient G [out, in] becomes L^T G R with L [out, a] and R [in, b], a x b = side x side numbers. L and R are
random signs scaled by 1/sqrt(columns); a side of the layer that is narrower than `side`, such as the rank of a LoRA
factor, is kept whole instead (each of its entries gets its own column and sign), and the other side gets the remaining
columns. The sketches of all layers are *added*: with independent signs, <sketch(g), sketch(h)> is an
unbiased estimate of <g, h> over the concatenation of the layers (Johnson-Lindenstrauss; the Kronecker form is that of
LoGra, Choe et al. 2024, arXiv:2405.13954, eq. 5, there without the addition).
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

    left: Float[Tensor, "out a"]
    right: Float[Tensor, "in b"]

    @staticmethod
    def of(name: str, shape: tuple[int, int], side: int, seed: int) -> "Projection":
        """The projection of the layer `name` with weight `shape` (out, in). Depends only on name, shape and seed,
        not on the order of the layers."""
        (out, inner), (left, right) = shape, columns_of(shape, side)
        if min(out, inner) >= side:
            return Projection(signs(f"{name}/left", out, left, seed), signs(f"{name}/right", inner, right, seed))
        if inner <= out:
            return Projection(signs(f"{name}/left", out, left, seed), placed(f"{name}/right", inner, right, seed))
        return Projection(placed(f"{name}/left", out, left, seed), signs(f"{name}/right", inner, right, seed))

    @property
    def width(self) -> int:
        """The width of a sketch."""
        return self.left.shape[1] * self.right.shape[1]

    def to(self, device: torch.device) -> "Projection":
        """The same projection on a device."""
        return Projection(self.left.to(device), self.right.to(device))

    def dense(self, gradient: Float[Tensor, "example out in"]) -> Float[Tensor, "example a b"]:
        """L^T G R for each example's gradient; the larger side of G is contracted first, in one matrix product
        that reads it in memory order."""
        examples, out, inner = gradient.shape
        if out < inner:
            return self.left.T @ (gradient @ self.right)
        lying = gradient.transpose(1, 2).reshape(examples * inner, out)
        return (lying @ self.left).view(examples, inner, -1).transpose(1, 2) @ self.right

    def factored(
        self, backward: Float[Tensor, "example token out"], forward: Float[Tensor, "example token in"]
    ) -> Float[Tensor, "example a b"]:
        """L^T (sum_t d_t x_t^T) R without forming the gradient: (D L)^T (X R)."""
        return (backward @ self.left).transpose(1, 2) @ (forward @ self.right)


def signs(name: str, rows: int, columns: int, seed: int) -> Float[Tensor, "rows columns"]:
    """Random signs scaled by 1/sqrt(columns), seeded by `name`, shape and `seed`."""
    digest = hashlib.sha256(f"{seed}:{name}:{rows}x{columns}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    bits = torch.randint(0, 2, (rows, columns), generator=generator, dtype=torch.float32)
    return bits.mul_(2).sub_(1).div_(columns**0.5)


def placed(name: str, rows: int, columns: int, seed: int) -> Float[Tensor, "rows columns"]:
    """One random sign per row, each in its own random column: preserves all inner products. Seeded as `signs`."""
    digest = hashlib.sha256(f"{seed}:{name}:{rows} in {columns}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    found = torch.zeros(rows, columns)
    chosen = torch.randperm(columns, generator=generator)[:rows]
    found[torch.arange(rows), chosen] = 2.0 * torch.randint(0, 2, (rows,), generator=generator) - 1
    return found


def columns_of(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """The number of columns of the left and the right matrix for a layer of this shape (out, in); their product is
    side x side. The narrower side of the layer gets as few as keep it whole, at most `side`."""
    out, inner = shape
    narrow = min(out, inner)
    if narrow >= side:
        return side, side
    kept = next(d for d in range(narrow, side + 1) if side * side % d == 0)
    return (side * side // kept, kept) if inner <= out else (kept, side * side // kept)


def side_of(width: int) -> int:
    """The side of a sketch of this width.

    Raises:
        ValueError: `width` is not a perfect square.
    """
    side = math.isqrt(max(width, 0))
    if side * side != width or width < 1:
        raise ValueError(
            f"The width of a sketch must be a perfect square, such as 1024 or 4096 (found {width}). Change it."
        )
    return side
