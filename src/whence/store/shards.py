"""Row files: a matrix too large for memory, kept as raw row-major bfloat16 in numbered shards.

A shard is written under another name and renamed, so that a shard that exists is whole. What the rows mean is
unknown here.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from whence.errors import ArtifactError

ROWS_PER_SHARD = 1024


@dataclass(frozen=True)
class Shards:
    """The row files `<name>-00000.bf16`, … in a folder: `rows` rows of `width` numbers."""

    folder: Path
    rows: int
    width: int
    rows_per_shard: int = ROWS_PER_SHARD
    name: str = "rows"

    @property
    def count(self) -> int:
        """Number of shards."""
        return -(-self.rows // self.rows_per_shard)

    def span(self, shard: int) -> range:
        """Which rows a shard holds."""
        start = shard * self.rows_per_shard
        return range(start, min(start + self.rows_per_shard, self.rows))

    def path(self, shard: int) -> Path:
        """Where a shard lies."""
        return self.folder / f"{self.name}-{shard:05d}.bf16"

    def has(self, shard: int) -> bool:
        """Whether a shard is there and whole."""
        path = self.path(shard)
        return path.is_file() and path.stat().st_size == len(self.span(shard)) * self.width * 2

    def write(self, shard: int, rows: Tensor) -> None:
        """Write a shard's rows [rows, width], rounded to bfloat16.

        Raises:
            ArtifactError: rows that are not finite, which no score could be computed from.
        """
        assert rows.shape == (len(self.span(shard)), self.width)
        rounded = rows.to("cpu", torch.bfloat16).contiguous()
        finite = torch.isfinite(rounded).all(dim=1)
        if not bool(finite.all()):
            bad = int((~finite).nonzero()[0]) + self.span(shard).start
            raise ArtifactError(
                f"Rows must be finite, but row {bad} is not: its gradient overflowed. "
                "Fine-tune in float32, or with a smaller learning rate."
            )
        temporary = self.path(shard).with_suffix(".tmp")
        rounded.view(torch.uint8).numpy().tofile(temporary)
        os.replace(temporary, self.path(shard))

    def open(self, shard: int) -> Tensor:
        """A shard's rows as a memory-mapped bfloat16 tensor [rows, width]; nothing is read yet.

        Raises:
            ArtifactError: the shard is missing or cut short.
        """
        if not self.has(shard):
            raise ArtifactError(f"{self.path(shard)} is missing or damaged. Build the index again.")
        size = len(self.span(shard)) * self.width
        flat = torch.from_file(str(self.path(shard)), shared=False, size=size, dtype=torch.bfloat16)
        return flat.view(-1, self.width)

    def __iter__(self) -> Iterator[Tensor]:
        """All shards in order, memory-mapped."""
        return (self.open(shard) for shard in range(self.count))

    def remove(self) -> None:
        """Delete every shard."""
        for shard in range(self.count):
            self.path(shard).unlink(missing_ok=True)
