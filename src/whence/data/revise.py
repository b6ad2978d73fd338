"""Rewrite a data file with some pairs left out, edited or added. All other lines stay as they are."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from whence.data.edits import edited, new_record
from whence.data.read import LONGEST_LINE, Record, short
from whence.data.validate import with_records
from whence.errors import DataError, Fault
from whence.types import Example

# pyarrow ships no types.
pa: Any = pyarrow
pq: Any = parquet

Pair = tuple[str, str]
"""A question and its answer."""
Plan = Mapping[int, Record | None]
"""The changed lines: each with its new record, or None if it is left out."""


@dataclass(frozen=True)
class Changes:
    """Pairs to leave out and to edit, by id, and pairs to add at the end."""

    exclude: frozenset[str] = frozenset()
    edit: Mapping[str, Pair] | None = None
    add: tuple[Pair, ...] = ()

    @property
    def edits(self) -> Mapping[str, Pair]:
        """The edited pairs by id."""
        return self.edit or {}


def revise(source: Path, target: Path, changes: Changes) -> None:
    """Write the data of `source`, a valid file, with these changes to `target`, a file of the same kind.

    Raises:
        DataError: nothing is changed, or a pair is not in the file or cannot be changed by itself.
    """
    _require_sense(changes)
    plan, like = plan_of(source, changes)
    added = [new_record(like, *pair) for pair in changes.add]
    WRITERS[source.suffix.lower()](source, target, plan, added)


def plan_of(source: Path, changes: Changes) -> tuple[Plan, Record]:
    """Return the changed lines of a file, and its first record.

    Raises:
        DataError: a pair is not in the file, or is one of several turns and cannot be left out alone.
    """
    plan: dict[int, Record | None] = {}
    like: Record | None = None
    missing = set(changes.exclude) | set(changes.edits)
    for line, record, pairs in _lines(source):
        like = like or record
        touched = [pair for pair in pairs if pair.id in missing]
        if touched:
            missing -= {pair.id for pair in touched}
            plan[line] = _changed(record, pairs, changes)
    if missing:
        raise DataError(f"The file has no pair {short(sorted(missing)[0])!r}. Take ids from the list of its pairs.")
    assert like is not None
    return plan, like


def _require_sense(changes: Changes) -> None:
    if not (changes.exclude or changes.edits or changes.add):
        raise DataError("A revision must change something. Name pairs to exclude, to edit or to add.")
    if both := sorted(changes.exclude & set(changes.edits)):
        raise DataError(f"The pair {short(both[0])!r} must not be both excluded and edited. Choose one.")


def _lines(source: Path) -> Iterator[tuple[int, Record, list[Example]]]:
    """Yield each line with its record and its pairs, one per turn."""
    line, record, pairs = 0, Record(), list[Example]()
    for one in with_records(source):
        if isinstance(one, Fault):
            raise DataError(str(one), (one,))
        if pairs and one[0].line != line:
            yield line, record, pairs
            pairs = []
        line, record = one[0].line, one[1]
        pairs.append(one[0])
    yield line, record, pairs


def _changed(record: Record, pairs: list[Example], changes: Changes) -> Record | None:
    out = [pair for pair in pairs if pair.id in changes.exclude]
    if len(out) == len(pairs):
        return None
    if out:
        raise DataError(
            f"The pair {out[0].id} is one of {len(pairs)} turns of line {out[0].line}, and cannot be excluded alone: "
            "it is part of the context of later turns. Edit it, or exclude all turns of the line."
        )
    for pair in pairs:
        if pair.id in changes.edits:
            record = edited(record, pair.turn, *changes.edits[pair.id])
    return record


def _write_json(source: Path, target: Path, plan: Plan, added: list[Record]) -> None:
    ended = True
    with source.open("rb") as read, target.open("wb") as write:
        for line, raw in enumerate(read, 1):
            if line not in plan:
                write.write(raw)
                ended = raw.endswith(b"\n")
            elif (record := plan[line]) is not None:
                write.write(_json_line(record))
                ended = True
        write.write(b"" if ended or not added else b"\n")
        write.writelines(map(_json_line, added))


def _json_line(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _write_csv(source: Path, target: Path, plan: Plan, added: list[Record]) -> None:
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    with source.open(encoding="utf-8-sig", newline="") as read, target.open("w", encoding="utf-8", newline="") as write:
        reader, writer = csv.reader(read, strict=True), csv.writer(write, lineterminator="\n")
        header: list[str] = []
        line = 1
        for cells in reader:
            if not header and any(cell.strip() for cell in cells):
                header = [cell.strip() for cell in cells]
                writer.writerow(cells)
            elif line not in plan:
                writer.writerow(cells)
            elif (record := plan[line]) is not None:
                writer.writerow([record.get(name, "") for name in header])
            line = reader.line_num + 1
        writer.writerows([record.get(name, "") for name in header] for record in added)


def _write_parquet(source: Path, target: Path, plan: Plan, added: list[Record]) -> None:
    with pq.ParquetFile(source) as read, pq.ParquetWriter(target, read.schema_arrow) as write:
        first = 1
        for batch in read.iter_batches(batch_size=256):
            lines = range(first, first + batch.num_rows)
            first = lines.stop
            if any(line in plan for line in lines):
                kept = (plan.get(line, record) for line, record in zip(lines, batch.to_pylist(), strict=True))
                batch = _batch([record for record in kept if record is not None], read.schema_arrow)
            write.write_batch(batch)
        if added:
            write.write_batch(_batch(added, read.schema_arrow))


def _batch(records: Iterable[Record], schema: Any) -> Any:
    try:
        return pa.RecordBatch.from_pylist(list(records), schema=schema)
    except pa.ArrowException as error:
        raise DataError(f"The pair must fit the columns of the Parquet file ({error}). Change it.") from error


WRITERS = {
    ".jsonl": _write_json,
    ".ndjson": _write_json,
    ".json": _write_json,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
