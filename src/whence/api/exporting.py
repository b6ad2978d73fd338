"""Attributions on their way out as one file: JSONL with all of each, CSV or Parquet with one row a returned pair."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import IO, Any, Literal

import pyarrow
from pyarrow import parquet
from pydantic import TypeAdapter

from whence.api.schemas.attributions import AttributionAnswer
from whence.platform.history import whole
from whence.platform.tables import AttributionRecord
from whence.types import decode

pa: Any = pyarrow  # it ships no types
pq: Any = parquet

Format = Literal["jsonl", "csv", "parquet"]
MEDIA: dict[Format, str] = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
SCHEMA = pa.schema(
    [
        ("attribution_id", pa.string()),
        ("created_at", pa.timestamp("us", tz="UTC")),
        ("model", pa.string()),
        ("job_id", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("generated", pa.bool_()),
        ("system_prompt", pa.string()),
        ("method", pa.string()),
        ("unit", pa.string()),
        ("lift_total", pa.float64()),
        ("lift_needed", pa.float64()),
        ("false_discovery_rate", pa.float64()),
        ("sentence", pa.string()),
        ("rank", pa.int64()),
        ("pair_id", pa.string()),
        ("file_id", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("influence_level", pa.string()),
        ("score", pa.float64()),
        ("share", pa.float64()),
        ("p_value", pa.float64()),
        ("messages", pa.string()),
    ]
)
JSON = TypeAdapter(AttributionAnswer)
BATCH = 100
PIECE = 1 << 20
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""The first characters of cells that a spreadsheet would run as formulas."""


def pieces(form: Format, kept: Iterator[AttributionRecord]) -> Iterator[bytes]:
    """The file, piece by piece. The first attribution is read now: what is wrong shows before anything is sent."""
    records = chain(list(islice(kept, 1)), kept)
    if form == "jsonl":
        return (JSON.dump_json(decode(AttributionAnswer, whole(one)), by_alias=True) + b"\n" for one in records)
    return _csv(records) if form == "csv" else _parquet(records)


def rows(kept: AttributionRecord) -> list[dict[str, Any]]:
    """One row for each pair that an attribution returned, with the attribution's own columns in each."""
    result = kept.result
    own = {name: result.get(name) for name in SCHEMA.names if name in result}
    own |= {"attribution_id": kept.id, "created_at": kept.created_at, "model": kept.model, "job_id": kept.job_id}
    own |= {"lift_total": result["lift"]["total"], "lift_needed": result["lift"]["needed"]}
    own["false_discovery_rate"] = result["trust"]["false_discovery_rate"]
    return [{**own, "pair_id": pair["id"], **_columns(pair)} for pair in result["results"]]


def _columns(pair: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in pair.items() if name in SCHEMA.names}


def _csv(records: Iterator[AttributionRecord]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(SCHEMA.names)
    for one in records:
        writer.writerows([[cell(row[name]) for name in SCHEMA.names] for row in rows(one)])
        yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    """Return what was written so far and clear the buffer."""
    written = text.getvalue()
    text.seek(0)
    text.truncate()
    return written.encode()


def cell(value: Any) -> Any:
    """A value as CSV has it; text that a spreadsheet would run as a formula is led by an apostrophe."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return value.isoformat() if hasattr(value, "isoformat") else value


def _parquet(records: Iterable[AttributionRecord]) -> Iterator[bytes]:
    """Parquet has its table of contents at the end, so it is written to a file first, which has no name."""
    with tempfile.TemporaryFile() as file:
        write_parquet(records, file)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def write_parquet(records: Iterable[AttributionRecord], file: IO[bytes]) -> None:
    """Write the rows of all attributions to an open file, a hundred attributions in memory at a time."""
    left = iter(records)
    with pq.ParquetWriter(file, SCHEMA) as writer:
        while batch := list(islice(left, BATCH)):
            table = [row for one in batch for row in rows(one)]
            writer.write_table(pa.Table.from_pylist(table, schema=SCHEMA))
