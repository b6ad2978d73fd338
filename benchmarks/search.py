"""Searching an index ÷ reading its bytes once.

    python -m benchmarks.search [--rows 10000 200000] [--width 4096] [--repetitions 7]

The limit: summing the same memory-mapped bytes as 64-bit words, which only reads them. Both run warm, in the
same round, on the same files.
"""

import argparse
import tempfile
from pathlib import Path

import torch

from benchmarks.timing import ratio
from whence.methods.rows import search
from whence.store.shards import Shards


def make(folder: Path, rows: int, width: int) -> Shards:
    """Row files of random numbers."""
    shards = Shards(folder, rows, width)
    generator = torch.Generator().manual_seed(0)
    for shard in range(shards.count):
        shards.write(shard, torch.randn(len(shards.span(shard)), width, generator=generator))
    return shards


def read_once(shards: Shards) -> int:
    """Touch every byte of the rows."""
    return sum(int(rows.view(torch.int64).sum()) for rows in shards)


def main() -> None:
    """Print a ratio for each number of rows, for one query and for sixteen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--repetitions", type=int, default=7)
    chosen = parser.parse_args()
    for rows in chosen.rows:
        with tempfile.TemporaryDirectory() as folder:
            shards = make(Path(folder), rows, chosen.width)
            for queries in (1, 16):
                asked = torch.randn(queries, chosen.width)
                work = {"search": lambda s=shards, q=asked: search(s, q), "read": lambda s=shards: read_once(s)}
                found, seconds = ratio(work, chosen.repetitions)
                speed = rows * chosen.width * 2 / seconds["search"] / 1e9
                print(
                    f"search ÷ reading once, {rows:,} × {chosen.width}, {queries} queries: {found:.2f}  "
                    f"(search {seconds['search']:.3f} s, {speed:.1f} GB/s; read {seconds['read']:.3f} s)"
                )


if __name__ == "__main__":
    main()
