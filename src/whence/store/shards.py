"""Row files: a matrix too large for memory, kept row-major in numbered shards, as raw bfloat16 or packed in bytes.

A shard is written under another name and renamed, so that a shard that exists is complete. This module does not know
what the rows mean.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from whence.core.packing import join, pack, packed_bytes
from whence.errors import ArtifactError

ROWS_PER_SHARD = 1024


@dataclass(frozen=True)
class Shards:
    """The row files `<name>-00000.bf16`, … in a folder: `rows` rows of `width` numbers. With `blocks` they are
    packed in that many blocks per row, two numbers per byte (`core/packing.py`), and the files are named `….int4`."""

    folder: Path
    rows: int
    width: int
    rows_per_shard: int = ROWS_PER_SHARD
    name: str = "rows"
    blocks: int = 0

    @property
    def bytes_per_row(self) -> int:
        """Bytes of one row."""
        return packed_bytes(self.width, self.blocks) if self.blocks else 2 * self.width

    @property
    def count(self) -> int:
        """Number of shards."""
        return -(-self.rows // self.rows_per_shard)

    def span(self, shard: int) -> range:
        """The rows that a shard holds."""
        start = shard * self.rows_per_shard
        return range(start, min(start + self.rows_per_shard, self.rows))

    def path(self, shard: int) -> Path:
        """The file of a shard."""
        return self.folder / f"{self.name}-{shard:05d}.{'int4' if self.blocks else 'bf16'}"

    def has(self, shard: int) -> bool:
        """Return True if a shard exists and is complete."""
        path = self.path(shard)
        return path.is_file() and path.stat().st_size == len(self.span(shard)) * self.bytes_per_row

    def write(self, shard: int, rows: Tensor) -> None:
        """Write a shard's rows [rows, width], rounded.

        Raises:
            ArtifactError: some rows are not finite, so that no score could be computed from them.
        """
        assert rows.shape == (len(self.span(shard)), self.width)
        finite = torch.isfinite(rows.to(torch.bfloat16)).all(dim=1)
        if not bool(finite.all()):
            bad = int((~finite).nonzero()[0]) + self.span(shard).start
            raise ArtifactError(
                f"Rows must be finite, but row {bad} is not: its gradient overflowed. "
                "Fine-tune in float32, or with a smaller learning rate."
            )
        self._put(shard, pack(rows.cpu(), self.blocks) if self.blocks else rows.to("cpu", torch.bfloat16).contiguous())

    def join(self, shard: int, parts: Sequence["Shards"]) -> None:
        """Write a shard from existing shards of its columns: for packed rows one part per block, for others any
        split."""
        stored = [part.open(shard) for part in parts]
        self._put(shard, join(stored) if self.blocks else torch.cat(stored, dim=1))

    def _put(self, shard: int, stored: Tensor) -> None:
        assert stored.shape == (len(self.span(shard)), self.bytes_per_row // stored.element_size())
        temporary = self.path(shard).with_suffix(".tmp")
        stored.view(torch.uint8).numpy().tofile(temporary)
        os.replace(temporary, self.path(shard))

    def open(self, shard: int) -> Tensor:
        """A shard's rows, memory-mapped, as bfloat16 [rows, width] or packed [rows, bytes]; nothing is read until used.

        Raises:
            ArtifactError: the shard is missing or cut short.
        """
        if not self.has(shard):
            raise ArtifactError(f"{self.path(shard)} is missing or damaged. Build the index again.")
        dtype, columns = (torch.uint8, self.bytes_per_row) if self.blocks else (torch.bfloat16, self.width)
        size = len(self.span(shard)) * columns
        return torch.from_file(str(self.path(shard)), shared=False, size=size, dtype=dtype).view(-1, columns)

    def __iter__(self) -> Iterator[Tensor]:
        """Yield all shards in order, memory-mapped."""
        return (self.open(shard) for shard in range(self.count))

    def remove(self) -> None:
        """Delete every shard."""
        for shard in range(self.count):
            self.path(shard).unlink(missing_ok=True)
