import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whence.data import read
from whence.data.read import Row, count, rows
from whence.errors import DataError, Fault

Write = Callable[..., Path]


def the_fault(path: Path) -> Fault:
    (fault,) = (row.record for row in rows(path) if isinstance(row.record, Fault))
    return fault


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("ending", [".jsonl", ".ndjson", ".json", ".JSONL"])
def test_json_lines_keep_their_physical_numbers_across_blank_lines(tmp_path: Path, ending: str) -> None:
    path = saved(tmp_path / f"a{ending}", b'{"a": 1}\r\n\n   \n{"a": "\xc3\xa9"}')
    assert list(rows(path)) == [Row(1, {"a": 1}), Row(4, {"a": "é"})]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_byte_order_mark_is_tolerated(tmp_path: Path, name: str) -> None:
    text = b'{"a": "x"}\n' if name.endswith("jsonl") else b"a\nx\n"
    assert [row.record for row in rows(saved(tmp_path / name, b"\xef\xbb\xbf" + text))] == [{"a": "x"}]


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": 1,}', "invalid JSON at column 9"),
        (b'["a"]', "JSON object"),
        (b"3", "JSON object"),
        (b'{"a": ' + b"1" * 5000 + b"}", "readable"),
        (b"[" * 200_000, "readable"),
    ],
)
def test_a_bad_json_line_is_a_fault_at_its_line_and_the_rest_is_read(tmp_path: Path, bad: bytes, rule: str) -> None:
    path = saved(tmp_path / "a.jsonl", b'{"a": 1}\n\n' + bad + b'\n{"a": 2}\n')
    assert [row.line for row in rows(path)] == [1, 3, 4]
    fault = the_fault(path)
    assert (fault.file, fault.line) == ("a.jsonl", 3)
    assert rule in fault.rule
    assert len(fault.value) <= 60


def test_a_pretty_printed_document_is_one_fault(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json", json.dumps([{"a": 1}] * 50, indent=2).encode())
    assert len(list(rows(path))) == 1
    assert "one object on each line" in the_fault(path).rule


def test_a_line_past_the_limit_is_a_fault_and_is_skipped_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "LONGEST_LINE", 100)
    path = saved(tmp_path / "a.jsonl", b'{"a": "' + b"x" * 1000 + b'"}\n{"a": 1}\n')
    assert [row.line for row in rows(path)] == [1, 2]
    assert the_fault(path).line == 1


def test_a_csv_row_has_the_line_that_it_begins_on(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", b'q, a\n"two\nlines",x\n\n,\ny,"1, 2"\n')
    assert list(rows(path)) == [Row(2, {"q": "two\nlines", "a": "x"}), Row(6, {"q": "y", "a": "1, 2"})]


@pytest.mark.parametrize(
    ("bad", "rule"),
    [(b"1,2,3", "more fields"), (b'"1"x,2', "valid CSV"), (b"\xff,2", "UTF-8"), (b'"open,2', "valid CSV")],
)
def test_a_bad_csv_row_is_a_fault_at_its_line(tmp_path: Path, bad: bytes, rule: str) -> None:
    fault = the_fault(saved(tmp_path / "a.csv", b'q,a\n"x\nx",x\n' + bad))
    assert fault.line == 4
    assert rule in fault.rule


def test_a_csv_field_may_be_longer_than_the_modules_own_limit(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", b"q,a\n" + b"x" * 200_000 + b",y\n")
    assert next(rows(path)).line == 2


@pytest.mark.parametrize("header", [b"a,a\n1,2\n", b'"a"b\n1\n'])
def test_a_csv_header_that_cannot_be_used_refuses_the_file(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(DataError, match=r"a\.csv:1"):
        list(rows(saved(tmp_path / "a.csv", header)))


def test_parquet_rows_are_numbered_from_one(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [[{"b": 1}]] * 600}), path)
    found = list(rows(path))
    assert [row.line for row in found] == list(range(1, 601))
    assert found[0].record == {"a": [{"b": 1}]}


def test_parquet_text_that_is_not_utf8_is_a_fault_at_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    offsets, data = pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffb")
    pq.write_table(pa.table({"a": pa.StringArray.from_buffers(3, offsets, data)}), path)
    assert the_fault(path).line == 2
    assert [row.line for row in rows(path)] == [1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing"])
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="whole"):
        list(rows(saved(tmp_path / "a.parquet", content)))


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", b" \n\n"), ("a.csv", b"q,a\n"), ("b.csv", b"")])
def test_a_file_without_rows_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(DataError, match="at least one row, but this one is empty"):
        list(rows(saved(tmp_path / name, content)))


def test_what_is_no_data_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must exist.*nothing there"):
        rows(tmp_path / "missing.jsonl")
    with pytest.raises(DataError, match="a folder"):
        rows(tmp_path)
    with pytest.raises(DataError, match=r"\.jsonl, .*\.csv, \.parquet.*found \.txt") as caught:
        rows(saved(tmp_path / "a.txt", b"x"))
    assert caught.value.faults[0].file == "a.txt"


def test_fifty_megabytes_are_streamed(tmp_path: Path) -> None:
    path, line = tmp_path / "a.jsonl", json.dumps({"question": "q" * 5_000, "answer": "a" * 5_000}) + "\n"
    with path.open("w") as file:
        file.writelines(line for _ in range(5_200))
    assert path.stat().st_size > 50_000_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in rows(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 5_200
    assert peak < 5_000_000


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_only_records_that_are_looked_at_are_read_and_all_are_counted(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(pa.table({"a": [str(number) for number in range(600)]}), path)
    else:
        lines = [f'{{"a": "{number}"}}\n\n' if name == "a.jsonl" else f'"{number}"\n\n' for number in range(600)]
        saved(path, ("a\n" * (name == "a.csv") + "".join(lines)).encode())
    every = list(rows(path))
    assert count(path) == len(every) == 600
    some = list(rows(path, lambda number, _: 255 <= number < 258 or number == 599))
    assert some == [*every[255:258], every[599]]
    assert list(rows(path, lambda _, line: line == every[300].line)) == [every[300]]
    assert list(rows(path, lambda *_: False)) == []
