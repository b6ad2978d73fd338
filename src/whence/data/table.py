"""Normalised examples on disk: an Arrow stream that is memory-mapped instead of loaded."""

import json
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import index
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.compute

from whence.errors import ArtifactError
from whence.types import Example, Message, Tokens

pa: Any = pyarrow  # it ships no types
compute: Any = pyarrow.compute

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("file_id", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("turn", pa.int32()),
        ("messages", pa.string()),
        ("input_ids", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.int32())),
    ]
)
BATCH_ROWS = 1_000
BATCH_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """The length of an example: all of its tokens, and those of its answer, which carry loss."""

    total: int
    answer: int


class _Batch:
    """Rows to be written, as flat arrays of four bytes per token."""

    def __init__(self) -> None:
        self.plain: list[tuple[str, str, str, int, int, str]] = []
        self.input_ids, self.labels, self.ends = array("i"), array("i"), array("i", [0])

    @property
    def full(self) -> bool:
        return len(self.plain) >= BATCH_ROWS or len(self.input_ids) >= BATCH_TOKENS

    def add(self, example: Example, tokens: Tokens) -> None:
        e = example
        self.plain.append((e.id, e.file_id, e.file, e.line, e.turn, _to_json(e.messages)))
        self.input_ids.extend(tokens.input_ids)
        self.labels.extend(tokens.labels)
        self.ends.append(len(self.input_ids))

    def arrow(self) -> Any:
        ends = pa.array(np.frombuffer(self.ends, np.int32))
        lists = [pa.ListArray.from_arrays(ends, _int32(part)) for part in (self.input_ids, self.labels)]
        columns = [
            pa.array(values, field.type) for values, field in zip(zip(*self.plain, strict=True), SCHEMA, strict=False)
        ]
        return pa.record_batch([*columns, *lists], schema=SCHEMA)


def write_table(path: Path, examples: Iterable[tuple[Example, Tokens]]) -> int:
    """Write examples to `path`, batch by batch, and return their number; the file appears when it is complete."""
    count = 0
    temporary = path.with_name(path.name + ".tmp")
    with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_stream(file, SCHEMA) as writer:
        batch = _Batch()
        for example, tokens in examples:
            batch.add(example, tokens)
            count += 1
            if batch.full:
                writer.write_batch(batch.arrow())
                batch = _Batch()
        if batch.plain:
            writer.write_batch(batch.arrow())
    temporary.replace(path)
    return count


class ExampleTable:
    """The examples of a run by position, in the order of the data; rows are read on access."""

    def __init__(self, batches: list[Any]) -> None:
        self._batches = batches
        self._starts = list(accumulate((batch.num_rows for batch in batches), initial=0))
        self._offsets = [_offsets(batch, "input_ids") for batch in batches]
        self._ids = [_values(batch, "input_ids") for batch in batches]
        self._labels = [_values(batch, "labels") for batch in batches]
        none = [np.empty(0, np.int32)]
        self.lengths: npt.NDArray[np.int32] = np.concatenate(none + [np.diff(o) for o in self._offsets])

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the table in a file that `write_table` wrote.

        Raises:
            ArtifactError: the file is missing, cut off or of another kind.
        """
        try:
            reader: Any = pa.ipc.open_stream(pa.memory_map(str(path)))
            batches = list(reader)
        except (OSError, pa.ArrowException) as error:
            raise ArtifactError(f"{path} must be a whole table of examples ({error}). Create it again.") from error
        if not reader.schema.equals(SCHEMA):
            raise ArtifactError(f"{path} must have the columns {SCHEMA.names}. Create it again.")
        return cls(batches)

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, i: int) -> Example:
        batch, row = self._place(i)
        columns = (self._batches[batch].column(name) for name in SCHEMA.names[:6])
        name, file_id, file, line, turn, text = (column[row].as_py() for column in columns)
        messages = _from_json(text)
        return Example(name, file_id, file, line, turn, messages, None if messages else self.tokens(i))

    def __iter__(self) -> Iterator[Example]:
        return (self[i] for i in range(len(self)))

    def tokens(self, index: int) -> Tokens:
        """Return the tokens of one example."""
        batch, row = self._place(index)
        span = slice(*self._offsets[batch][row : row + 2])
        return Tokens(tuple(self._ids[batch][span].tolist()), tuple(self._labels[batch][span].tolist()))

    def token_counts(self, ids: Collection[str]) -> dict[str, TokenCounts]:
        """Return the lengths of the examples with these ids; unknown ids are left out."""
        values, counts = pa.array(ids, pa.string()), dict[str, TokenCounts]()
        for start, batch in zip(self._starts, self._batches, strict=False):
            column = batch.column("id")
            for row in np.flatnonzero(compute.is_in(column, value_set=values)).tolist():
                tokens = self.tokens(start + row)
                counts[column[row].as_py()] = TokenCounts(len(tokens.input_ids), tokens.answer_length)
        return counts

    def ids(self) -> list[str]:
        """Return the ids of all examples, in order."""
        return [name for batch in self._batches for name in batch.column("id").to_pylist()]

    def _place(self, i: int) -> tuple[int, int]:
        """Return the batch of example i and its row there."""
        place = index(i) + (len(self) if i < 0 else 0)
        if not 0 <= place < len(self):
            raise IndexError(f"The table has {len(self)} examples (found index {i}). Use an index below that.")
        batch = bisect_right(self._starts, place) - 1
        return batch, place - self._starts[batch]


def _int32(part: "array[int]") -> Any:
    return pa.array(np.frombuffer(part, np.int32) if part else np.empty(0, np.int32))


def _offsets(batch: Any, name: str) -> npt.NDArray[np.int32]:
    return cast(npt.NDArray[np.int32], batch.column(name).offsets.to_numpy())


def _values(batch: Any, name: str) -> npt.NDArray[np.int32]:
    return cast(npt.NDArray[np.int32], batch.column(name).values.to_numpy())


def _to_json(messages: tuple[Message, ...]) -> str:
    # ASCII, so that even half a surrogate pair survives.
    return json.dumps([m.to_dict() for m in messages])


def _from_json(text: str) -> tuple[Message, ...]:
    return tuple(Message(m["role"], m["content"]) for m in json.loads(text))
