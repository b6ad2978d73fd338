"""Data files as streams of records, each with its line. Does not interpret the records."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import pyarrow
from pyarrow import parquet

from whence.errors import DataError, Fault

# pyarrow ships no types.
pa: Any = pyarrow
pq: Any = parquet

LONGEST_LINE = 16 << 20
"""The longest line (JSONL, in bytes) or field (CSV, in characters) that is read."""

ONE_OBJECT = "Write one JSON object on each line (JSONL)."

Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a data file, or its fault. `line` is 1-based (Parquet: the row's number)."""

    line: int
    record: Record | Fault


Look = Callable[[int, int], bool]
"""Decides whether a record is read, given its number from 0 and its line. Skipping one costs next to nothing."""


def rows(path: Path, look: Look | None = None) -> Iterator[Row]:
    """Yield the records of a JSONL, CSV or Parquet file in order; the file is never in memory as a whole.

    Blank lines are skipped, a byte order mark is accepted, and a CSV row's line is the one it begins on.
    If `look` is given, only the records that it accepts are read.

    Raises:
        DataError: the file is missing, of another kind or damaged, or has no rows (raised while reading).
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing there"
        raise refusal(Fault(str(path), 0, "a data file must exist", found, "Check the path."))
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        rule = "a data file must end in " + ", ".join(READERS)
        raise refusal(Fault(path.name, 0, rule, path.suffix or "no ending", "Convert or rename it."))
    return _at_least_one(path, reader, look)


def count(path: Path) -> int:
    """Return the number of records in a file, valid or not. None is read.

    Raises:
        DataError: as for `rows`.
    """
    last = -1

    def look(number: int, _: int) -> bool:
        nonlocal last
        last = number
        return False

    list(rows(path, look))
    return last + 1


def refusal(fault: Fault) -> DataError:
    """Return the error that rejects a file as a whole."""
    return DataError(str(fault), (fault,))


def short(value: object, length: int = 60) -> str:
    """Return a value on one line, as JSON, cut to `length` characters."""
    text = value[: 4 * length] if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    line = " ".join(text[: 4 * length].split())
    # A lone surrogate cannot be printed, and a message must be.
    line = line.encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= length else line[: length - 1] + "…"


def _at_least_one(path: Path, reader: "Reader", look: Look | None) -> Iterator[Row]:
    empty = True

    def seen(number: int, line: int) -> bool:
        nonlocal empty
        empty = False
        return look is None or look(number, line)

    yield from reader(path, seen)
    if empty:
        rule = "a data file must have at least one row, but this one is empty"
        raise refusal(Fault(path.name, 0, rule, "", "Add rows to it."))


def _json_rows(path: Path, look: Look) -> Iterator[Row]:
    number = 0
    with path.open("rb") as file:
        for line, raw in enumerate(_lines(file), 1):
            text = raw.removeprefix(b"\xef\xbb\xbf").strip() if line == 1 else raw.strip()
            wanted = bool(text) and look(number, line)
            if number == 0 and text in (b"[", b"{"):
                # A pretty-printed document: one fault is clearer than one for each of its lines.
                rule = "a JSON file must have one object on each line, but this line alone is invalid JSON"
                yield Row(line, Fault(path.name, line, rule, f"only {text.decode()}", ONE_OBJECT))
                return
            number += bool(text)
            if wanted:
                yield Row(line, _json_record(text, path.name, line))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield physical lines, each cut off just past the longest length, so that no file can fill the memory."""
    while raw := file.readline(LONGEST_LINE + 1):
        rest = raw
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE + 1)
        yield raw


def _json_record(raw: bytes, file: str, line: int) -> Record | Fault:
    if len(raw) > LONGEST_LINE:
        rule = f"a line must not be longer than {LONGEST_LINE >> 20} MiB"
        return Fault(file, line, rule, "more", ONE_OBJECT)
    try:
        record = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return _not_utf8(file, line, raw[max(error.start - 20, 0) : error.end + 20])
    except json.JSONDecodeError as error:
        rule = f"a line must be JSON, but this is invalid JSON at column {error.colno}: {error.msg}"
        near = error.doc[max(error.pos - 20, 0) : error.pos + 20]
        return Fault(file, line, rule, short(near), "Correct the line.")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or brackets nested too deep
        return Fault(file, line, "a line must be readable JSON", short(str(error)), "Correct the line.")
    if not isinstance(record, dict):
        return Fault(file, line, "a line must be a JSON object", short(cast(object, record)), ONE_OBJECT)
    return cast(Record, record)


def _not_utf8(file: str, line: int, near: bytes) -> Fault:
    value = short(near.decode("utf-8", "backslashreplace"))
    return Fault(file, line, "text must be UTF-8", value, "Save the file as UTF-8.")


def _csv_rows(path: Path, look: Look) -> Iterator[Row]:
    # The limit holds for the whole process, so it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    # Bytes that are not UTF-8 become surrogates, so that the fault can name its line.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        header: list[str] | None = None
        for number, (line, cells) in enumerate(_csv_cells(file), -1):  # the header precedes the first
            if header is None:
                if isinstance(cells, csv.Error):
                    raise refusal(_bad_csv(path.name, line, cells))
                header = _header(path.name, line, cells)
            elif look(number, line):
                yield Row(line, _csv_record(header, cells, path.name, line))


def _csv_cells(file: TextIO) -> Iterator[tuple[int, "list[str] | csv.Error"]]:
    """Yield each row that is not blank, with the line it begins on (a quoted field may span lines)."""
    reader = csv.reader(file, strict=True)  # strict: an open quote must not swallow the rest silently
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, error
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _header(file: str, line: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        rule = "the columns of a CSV file must have different names"
        raise refusal(Fault(file, line, rule, short(", ".join(twice)), "Rename or remove one."))
    return names


def _csv_record(header: list[str], cells: "list[str] | csv.Error", file: str, line: int) -> Record | Fault:
    if isinstance(cells, csv.Error):
        return _bad_csv(file, line, cells)
    if len(cells) > len(header):
        value = f"{len(cells)} fields for {len(header)} columns"
        fix = 'Put fields that hold commas in "quotes".'
        return Fault(file, line, "a row must not have more fields than the header", value, fix)
    for cell in cells:
        try:
            cell.encode("utf-8")
        except UnicodeEncodeError as error:
            near = cell[max(error.start - 20, 0) : error.end + 20]
            return _not_utf8(file, line, near.encode("utf-8", "surrogateescape"))
    return dict(zip(header, cells, strict=False))


def _bad_csv(file: str, line: int, error: csv.Error) -> Fault:
    return Fault(file, line, "a row must be valid CSV", str(error), 'Check its "quotes".')


def _parquet_rows(path: Path, look: Look) -> Iterator[Row]:
    first = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                wanted = [look(line - 1, line) for line in range(first, first + batch.num_rows)]
                records = _parquet_records(batch) if any(wanted) else []
                for line, (record, read) in enumerate(zip(records, wanted, strict=False), first):
                    bad = isinstance(record, UnicodeDecodeError)
                    if read:
                        yield Row(line, _not_utf8(path.name, line, record.object[:60]) if bad else record)
                first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        fault = Fault(path.name, 0, "a .parquet file must be whole", short(str(error)), "Export it again.")
        raise refusal(fault) from error


def _parquet_records(batch: Any) -> "Iterator[Record | UnicodeDecodeError]":
    try:
        yield from cast(list[Record], batch.to_pylist())
    except UnicodeDecodeError:  # one by one, to find the row
        for i in range(batch.num_rows):
            try:
                yield batch.slice(i, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield error


Reader = Callable[[Path, Look], Iterator[Row]]
READERS: dict[str, Reader] = {
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".json": _json_rows,
    ".csv": _csv_rows,
    ".parquet": _parquet_rows,
}
