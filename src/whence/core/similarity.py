"""Exact inner products of queries with stored rows, one pass over the rows."""

import torch
from jaxtyping import BFloat16, Float
from torch import Tensor

PIECE_BYTES = 1 << 20
"""Bytes of bfloat16 rows that are converted at a time: small enough to stay in a core's cache."""


def inner_products(
    queries: Float[Tensor, "query width"], rows: BFloat16[Tensor, "row width"]
) -> Float[Tensor, "query row"]:
    """<query, row> for all pairs, accumulated in float32. Rows are read once, converted piece by piece."""
    width = rows.shape[1]
    step = max(1, PIECE_BYTES // (2 * width))
    out = torch.empty(rows.shape[0], queries.shape[0])
    wide = torch.empty(min(step, rows.shape[0]), width)
    columns = queries.T.contiguous()
    for start in range(0, rows.shape[0], step):
        piece = rows[start : start + step]
        buffer = wide[: piece.shape[0]].copy_(piece)
        torch.mm(buffer, columns, out=out[start : start + step])
    return out.T


def unit_rows(rows: Float[Tensor, "row width"]) -> Float[Tensor, "row width"]:
    """Rows scaled to length 1; a row of zeros stays zero."""
    # In float64: the squares of a vanished gradient would underflow.
    return torch.nn.functional.normalize(rows.double(), dim=1, eps=1e-300).float()
