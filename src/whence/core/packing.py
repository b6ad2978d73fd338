"""Rows of numbers packed in 4 bits: integers from -7 to 7, two per byte, and a scale for each block of a row.

The step is 0.45 of the block's root mean square, near the best for normally distributed numbers (Max 1960, "Quantizing
for minimum distortion", table 2), and values beyond 7 steps are clipped to 7. The error of an inner product of a query
with a row of thousands of numbers is then far smaller than the error of the sketch itself: for the same bytes, a sketch
of four times the width is more accurate than numbers of four times the bits.

A row holds the bytes of its blocks, one block after the other, then the scales of the blocks in float32. Byte j of a
block, as a signed integer, is 16 times number j + width / 2 plus number j plus 8.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int8, UInt8
from torch import Tensor

STEP = 0.45
LARGEST = 7
ZERO = 8
SCALE_BYTES = 4
PIECE_BYTES = 1 << 20
"""Bytes of packed rows that are converted at a time: small enough to stay in a core's cache."""


def packed_bytes(width: int, blocks: int) -> int:
    """Bytes of a packed row of `width` numbers in `blocks` equal blocks.

    Raises:
        ValueError: `width` does not divide into `blocks` equal blocks of an even number of numbers.
    """
    if blocks < 1 or width % (2 * blocks):
        raise ValueError(
            f"A width of {width} must divide into {blocks} equal blocks of even size. Choose another width."
        )
    return width // 2 + SCALE_BYTES * blocks


def pack(rows: Float[Tensor, "row width"], blocks: int) -> UInt8[Tensor, "row bytes"]:
    """Pack rows into `packed_bytes(width, blocks)` bytes each."""
    width = rows.shape[1]
    packed_bytes(width, blocks)
    parts = rows.float().reshape(len(rows), blocks, width // max(blocks, 1))
    scale = STEP * parts.square().mean(dim=2, keepdim=True).sqrt()
    whole = (parts / scale.clamp(min=1e-38)).round().clamp(-LARGEST, LARGEST)
    lower, upper = whole.chunk(2, dim=2)
    both = (16 * upper + lower + ZERO).to(torch.int8)
    return torch.cat([both.flatten(1).view(torch.uint8), scale.flatten(1).contiguous().view(torch.uint8)], dim=1)


def join(parts: Sequence[UInt8[Tensor, "row part"]]) -> UInt8[Tensor, "row bytes"]:
    """Join packed rows of one block each into packed rows of several blocks."""
    numbers, ends = [part[:, :-SCALE_BYTES] for part in parts], [part[:, -SCALE_BYTES:] for part in parts]
    return torch.cat([*numbers, *ends], dim=1)


def unpack(packed: UInt8[Tensor, "row bytes"], blocks: int) -> Float[Tensor, "row width"]:
    """The rows that were packed, up to rounding."""
    both = pairs(packed, blocks).float()
    lower = both % 16
    whole = torch.cat([lower - ZERO, (both - lower) / 16], dim=2)
    return (whole * scales(packed, blocks)[:, :, None]).flatten(1)


def pairs(packed: UInt8[Tensor, "row bytes"], blocks: int) -> Int8[Tensor, "row block byte"]:
    """The bytes of the packed numbers, by block; nothing is copied."""
    return (
        packed[:, : packed.shape[1] - SCALE_BYTES * blocks]
        .view(torch.int8)
        .reshape(len(packed), blocks, (packed.shape[1] - SCALE_BYTES * blocks) // blocks)
    )


def scales(packed: UInt8[Tensor, "row bytes"], blocks: int) -> Float[Tensor, "row block"]:
    """The scale of each block: the unit of its integers."""
    raw = packed[:, packed.shape[1] - SCALE_BYTES * blocks :]
    return raw.reshape(-1).clone().view(torch.float32).view(-1, blocks)


def packed_products(
    queries: Float[Tensor, "query width"], packed: UInt8[Tensor, "row bytes"], blocks: int
) -> Float[Tensor, "query row"]:
    """<query, row> for all pairs: the integers of a block are multiplied first, its scale last."""
    step = max(1, PIECE_BYTES // packed.shape[1])
    wide = torch.empty(min(step, len(packed)), packed.shape[1])
    sides = [_sides(part) for part in queries.chunk(blocks, dim=1)]
    pieces = [_products(sides, packed[start : start + step], wide) for start in range(0, len(packed), step)]
    return torch.cat([torch.empty(0, len(queries)), *pieces]).T


def _sides(part: Float[Tensor, "query numbers"]) -> tuple[Tensor, Tensor, Tensor]:
    """The factors of a block's bytes and of their lower halves, and the part of the product that ZERO adds: with
    byte = 16 u + l, the product l p + u q is byte q / 16 + l (p - q / 16)."""
    lower, upper = part.chunk(2, dim=1)
    return (upper / 16).T.contiguous(), (lower - upper / 16).T.contiguous(), ZERO * lower.sum(1)


def _products(
    sides: Sequence[tuple[Tensor, Tensor, Tensor]], packed: UInt8[Tensor, "row bytes"], wide: Tensor
) -> Float[Tensor, "row query"]:
    whole, scale = packed.view(torch.int8), scales(packed, len(sides))
    wide, block = wide[: len(packed)], sides[0][0].shape[0]
    wide.copy_(whole)  # all at once, with the bytes of the scales: copying parts takes several times as long
    found = [wide[:, c * block : (c + 1) * block] @ side[0] for c, side in enumerate(sides)]
    wide.copy_(whole & 15)
    for c, (_, of_lower, too_much) in enumerate(sides):
        found[c] += wide[:, c * block : (c + 1) * block] @ of_lower
        found[c] = (found[c] - too_much) * scale[:, c, None]
    return torch.stack(found).sum(0)
