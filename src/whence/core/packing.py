"""Rows of half a byte a number: whole numbers from -7 to 7, two a byte, and a scale for each block of a row.

The step is 0.45 of the block's root mean square, near the best for normally distributed numbers (Max 1960, "Quantizing
for minimum distortion", table 2), and what lies beyond 7 steps is cut to 7. An inner product of a query with a row of
thousands of numbers is then off by far less than the sketch itself is off by: for the same bytes a sketch of four times
the width tells more than numbers of four times the bits.

A row is its blocks' bytes, one block after the other, and then its blocks' scales in float32. Byte j of a block is, as
a whole number with a sign, 16 times number j + width / 2 plus number j plus 8.
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
"""Bytes of packed rows that are widened at a time: small enough to stay in a core's cache."""


def packed_bytes(width: int, blocks: int) -> int:
    """Bytes of a packed row of `width` numbers in `blocks` equal blocks.

    Raises:
        ValueError: the blocks do not hold equally many numbers, an even number of them.
    """
    if blocks < 1 or width % (2 * blocks):
        raise ValueError(f"{width} numbers must make {blocks} equal blocks of an even number. Choose another width.")
    return width // 2 + SCALE_BYTES * blocks


def pack(rows: Float[Tensor, "row width"], blocks: int) -> UInt8[Tensor, "row bytes"]:
    """Rows as bytes, `packed_bytes(width, blocks)` each."""
    width = rows.shape[1]
    packed_bytes(width, blocks)
    parts = rows.float().reshape(len(rows), blocks, width // max(blocks, 1))
    scale = STEP * parts.square().mean(dim=2, keepdim=True).sqrt()
    whole = (parts / scale.clamp(min=1e-38)).round().clamp(-LARGEST, LARGEST)
    lower, upper = whole.chunk(2, dim=2)
    both = (16 * upper + lower + ZERO).to(torch.int8)
    return torch.cat([both.flatten(1).view(torch.uint8), scale.flatten(1).contiguous().view(torch.uint8)], dim=1)


def join(parts: Sequence[UInt8[Tensor, "row part"]]) -> UInt8[Tensor, "row bytes"]:
    """Packed rows of several blocks from packed rows of one block each, block by block."""
    numbers, ends = [part[:, :-SCALE_BYTES] for part in parts], [part[:, -SCALE_BYTES:] for part in parts]
    return torch.cat([*numbers, *ends], dim=1)


def unpack(packed: UInt8[Tensor, "row bytes"], blocks: int) -> Float[Tensor, "row width"]:
    """The rows that `pack` packed, rounded."""
    both = pairs(packed, blocks).float()
    lower = both % 16
    whole = torch.cat([lower - ZERO, (both - lower) / 16], dim=2)
    return (whole * scales(packed, blocks)[:, :, None]).flatten(1)


def pairs(packed: UInt8[Tensor, "row bytes"], blocks: int) -> Int8[Tensor, "row block byte"]:
    """The bytes of packed rows' numbers, block by block; nothing is copied."""
    return (
        packed[:, : packed.shape[1] - SCALE_BYTES * blocks]
        .view(torch.int8)
        .reshape(len(packed), blocks, (packed.shape[1] - SCALE_BYTES * blocks) // blocks)
    )


def scales(packed: UInt8[Tensor, "row bytes"], blocks: int) -> Float[Tensor, "row block"]:
    """What a block's whole numbers are multiples of."""
    raw = packed[:, packed.shape[1] - SCALE_BYTES * blocks :]
    return raw.reshape(-1).clone().view(torch.float32).view(-1, blocks)


def packed_products(
    queries: Float[Tensor, "query width"], packed: UInt8[Tensor, "row bytes"], blocks: int
) -> Float[Tensor, "query row"]:
    """<query, row> for all: the whole numbers of a block are multiplied first, and its scale last."""
    step = max(1, PIECE_BYTES // packed.shape[1])
    wide = torch.empty(min(step, len(packed)), packed.shape[1])
    sides = [_sides(part) for part in queries.chunk(blocks, dim=1)]
    pieces = [_products(sides, packed[start : start + step], wide) for start in range(0, len(packed), step)]
    return torch.cat([torch.empty(0, len(queries)), *pieces]).T


def _sides(part: Float[Tensor, "query numbers"]) -> tuple[Tensor, Tensor, Tensor]:
    """What a block's bytes and their lower halves are to be multiplied with, and what ZERO adds to that: with byte
    = 16 u + l, the product l p + u q is byte q / 16 + l (p - q / 16)."""
    lower, upper = part.chunk(2, dim=1)
    return (upper / 16).T.contiguous(), (lower - upper / 16).T.contiguous(), ZERO * lower.sum(1)


def _products(
    sides: Sequence[tuple[Tensor, Tensor, Tensor]], packed: UInt8[Tensor, "row bytes"], wide: Tensor
) -> Float[Tensor, "row query"]:
    whole, scale = packed.view(torch.int8), scales(packed, len(sides))
    wide, block = wide[: len(packed)], sides[0][0].shape[0]
    wide.copy_(whole)  # all of it at once, the scales' bytes too: a copy of parts takes several times as long
    found = [wide[:, c * block : (c + 1) * block] @ side[0] for c, side in enumerate(sides)]
    wide.copy_(whole & 15)
    for c, (_, of_lower, too_much) in enumerate(sides):
        found[c] += wide[:, c * block : (c + 1) * block] @ of_lower
        found[c] = (found[c] - too_much) * scale[:, c, None]
    return torch.stack(found).sum(0)
