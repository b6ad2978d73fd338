"""Rows of methods whose score is an inner product with a stored row: written in one streamed pass, then searched."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.packing import packed_products, unpack
from whence.core.similarity import inner_products
from whence.store.artifact import write_json
from whence.store.shards import Shards
from whence.types import Progress, Report

Embed = Callable[[range], Tensor]
"""Function from a range of examples to their rows [example, width]."""

PIECE = 64
"""Rows converted to float32 at a time."""


def write_rows(shards: Shards, embed: Embed, step: str, report: Report) -> None:
    """Embed and write every missing shard; memory holds one shard."""
    begin(shards)
    report(Progress(step, 0, shards.rows, "examples"))
    for shard in range(shards.count):
        if not shards.has(shard):
            shards.write(shard, embed(shards.span(shard)))
        report(Progress(step, shards.span(shard).stop, shards.rows, "examples"))


def begin(shards: Shards) -> None:
    """Store the layout of the rows, and remove rows that an unfinished build left in another layout."""
    note, facts = description(shards.folder, shards.name), _facts(shards)
    if note.is_file() and json.loads(note.read_text("utf-8")) == facts:
        return
    for path in (*shards.folder.glob(f"{shards.name}-*.bf16"), *shards.folder.glob(f"{shards.name}-*.int4")):
        path.unlink()
    write_json(note, facts)


def describe(shards: Shards) -> dict[str, Any]:
    """Facts about the rows for the manifest."""
    dtype = "int4" if shards.blocks else "bfloat16"
    return {**_facts(shards), "dtype": dtype, "bytes_per_row": shards.bytes_per_row}


def description(folder: Path, name: str = "rows") -> Path:
    """The file with the layout of the rows, from which they can be opened again."""
    return folder / f"{name}.json"


def open_rows(folder: Path) -> Shards:
    """The row files of a finished index."""
    return Shards(folder, **json.loads(description(folder).read_text("utf-8")))


def search(shards: Shards, queries: Float[Tensor, "query width"]) -> Float[ndarray, "query train"]:
    """<query, row> for every query and every row, each shard read once."""
    if not shards.blocks:
        return torch.cat([inner_products(queries, rows) for rows in shards], dim=1).numpy()
    return torch.cat([packed_products(queries, rows, shards.blocks) for rows in shards], dim=1).numpy()


def combined(shards: Shards, weights: Float[Tensor, "block query row"]) -> Float[Tensor, "query width"]:
    """The sums of the rows weighted by each query, with separate weights for each of the equal blocks of a row."""
    blocks, found = len(weights), torch.zeros(weights.shape[1], len(weights), shards.width // len(weights))
    for shard in range(shards.count):
        stored, span = shards.open(shard), shards.span(shard)
        for start in range(0, len(span), PIECE):
            piece = stored[start : start + PIECE]
            rows = unpack(piece, shards.blocks) if shards.blocks else piece.float()
            chosen = weights[:, :, span.start + start : span.start + start + len(piece)]
            found += torch.einsum("bqr,rbw->qbw", chosen, rows.view(len(piece), blocks, -1))
    return found.flatten(1)


def _facts(shards: Shards) -> dict[str, Any]:
    return {name: value for name, value in asdict(shards).items() if name != "folder"}
