"""Methods whose score is an inner product with a stored row: build the rows in one streamed pass, search them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.similarity import inner_products
from whence.store.artifact import write_json
from whence.store.shards import Shards
from whence.types import Progress, Report

Embed = Callable[[range], Tensor]
"""Rows [example, width] of a range of examples."""

DESCRIPTION = "rows.json"


def write_rows(shards: Shards, embed: Embed, step: str, report: Report) -> None:
    """Embed and write every shard that is not there yet; memory holds one shard."""
    report(Progress(step, 0, shards.rows, "examples"))
    for shard in range(shards.count):
        if not shards.has(shard):
            shards.write(shard, embed(shards.span(shard)))
        report(Progress(step, shards.span(shard).stop, shards.rows, "examples"))


def describe(shards: Shards) -> dict[str, Any]:
    """What the manifest says of the rows; also written beside them, so that they can be opened again."""
    facts = {name: value for name, value in asdict(shards).items() if name != "folder"}
    write_json(shards.folder / DESCRIPTION, facts)
    return {**facts, "dtype": "bfloat16", "bytes_per_row": 2 * shards.width}


def open_rows(folder: Path) -> Shards:
    """The row files of a finished index."""
    return Shards(folder, **json.loads((folder / DESCRIPTION).read_text("utf-8")))


def search(shards: Shards, queries: Float[Tensor, "query width"]) -> Float[ndarray, "query train"]:
    """<query, row> for every query and every row, each shard read once."""
    return torch.cat([inner_products(queries, rows) for rows in shards], dim=1).numpy()
