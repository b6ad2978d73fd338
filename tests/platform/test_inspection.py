import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.training.runs import write_pairs
from whence.data.identity import file_id
from whence.errors import DataError
from whence.platform import inspection
from whence.platform.inspection import Inspected, inspect

GOOD = '{"question": "Q?", "answer": "A."}'


def write(folder: Path, content: str | bytes, ending: str = "jsonl") -> Path:
    path = folder / f"0.{ending}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path: Path, name: str, kind: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        inspect(path, name, kind or path.suffix[1:], pairs=True)
    return str(caught.value)


def write_parquet(path: Path, columns: dict[str, Any], **settings: Any) -> Path:
    pq.write_table(pa.table(columns), path, **settings)
    return path


def test_what_a_sound_file_holds(tmp_path: Path):
    path = write_pairs(tmp_path / "0.jsonl")
    expected = Inspected(12, hashlib.sha256(path.read_bytes()).hexdigest(), file_id(path))
    assert inspect(path, "pairs.jsonl", "jsonl", pairs=True) == expected


def test_csv_and_parquet_are_counted_too(tmp_path: Path):
    rows = write(tmp_path, "question,answer\nQ?,A.\nR?,B.\n", "csv")
    assert inspect(rows, "a.csv", "csv", pairs=True).examples == 2
    columns = write_parquet(tmp_path / "0.parquet", {"question": ["Q?"] * 3, "answer": ["A."] * 3})
    assert inspect(columns, "a.parquet", "parquet", pairs=True).examples == 3


def test_documents_are_taken_as_they_are(tmp_path: Path):
    path = write(tmp_path, b"%PDF-1.7 \xff\xfe", "pdf")
    assert inspect(path, "a.pdf", "pdf", pairs=False).examples is None


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet", "pdf"])
def test_an_empty_file_is_refused(tmp_path: Path, ending: str):
    with pytest.raises(DataError, match=rf"^mine\.{ending}: the file is empty"):
        inspect(write(tmp_path, "", ending), f"mine.{ending}", ending, pairs=ending != "pdf")


@pytest.mark.parametrize(
    ("content", "ending"),
    [("\n\n  \n", "jsonl"), ("question,answer\n", "csv"), ("\n", "csv"), ("\ufeff", "jsonl"), ("[]", "json")],
)
def test_a_file_without_rows_is_refused(tmp_path: Path, content: str, ending: str):
    assert refused(write(tmp_path, content, ending), f"mine.{ending}").startswith(f"mine.{ending}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "JSON"),
        ("[1]", "object"),
        ('{"question": "Q?"}', "line 3"),
        ('{"question": "Q?", "answer": 3}', "line 3"),
        ('{"question": "", "answer": "A."}', "line 3"),
        ('{"question": "\\ud800", "answer": "A."}', "line 3"),
        ('{"messages": []}', "line 3"),
        ('{"question": "Q?", "answer": "\\u0000"}', None),
    ],
)
def test_a_fault_names_the_file_and_the_line(tmp_path: Path, line: str, words: str | None):
    path = write(tmp_path, f"{GOOD}\n{GOOD}\n{line}\n{GOOD}\n")
    if words is None:
        assert inspect(path, "mine.jsonl", "jsonl", pairs=True).examples == 4
    else:
        message = refused(path, "mine.jsonl")
        assert message.startswith("mine.jsonl, line 3: ")
        assert words in message
        message.encode()


def test_text_that_is_not_utf8_is_a_fault(tmp_path: Path):
    message = refused(write(tmp_path, GOOD.encode() + b'\n{"question": "\xff", "answer": "A."}\n'), "mine.jsonl")
    assert message.startswith("mine.jsonl, line 2: text must be UTF-8")


def test_of_many_faults_the_first_are_told(tmp_path: Path):
    message = refused(write(tmp_path, "{}\n" * 100), "mine.jsonl")
    assert [int(line) for line in re.findall(r"mine\.jsonl, line (\d+):", message)] == [1, 2, 3, 4, 5]
    assert message.endswith("There are more.")


def test_a_parquet_fault_names_the_row(tmp_path: Path):
    path = write_parquet(tmp_path / "0.parquet", {"question": ["Q?", "R?"], "answer": ["A.", None]})
    assert refused(path, "mine.parquet").startswith("mine.parquet, line 2: ")


def test_a_damaged_parquet_file_is_refused(tmp_path: Path):
    path = write_parquet(tmp_path / "0.parquet", {"question": ["Q?"], "answer": ["A."]})
    path.write_bytes(path.read_bytes()[:-20])
    assert refused(path, "mine.parquet").startswith("mine.parquet: a .parquet file must be whole")


def bomb(path: Path, longest: int, rows: int = 4096) -> Path:
    """A file of some kilobytes: one long answer, written once and meant over and over."""
    indices = pa.array([0] * rows, pa.int32())
    columns = {
        name: pa.DictionaryArray.from_arrays(indices, pa.array([text]))
        for name, text in (("question", "Q?"), ("answer", "x" * longest))
    }
    return write_parquet(path, columns, compression="zstd", store_schema=False)


def test_rows_that_unfold_to_more_than_an_upload_may_have_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHENCE_MAX_UPLOAD_MB", "16")
    assert "more text than 16,777,216 characters" in refused(bomb(tmp_path / "0.parquet", 1 << 20), "bomb.parquet")


def test_turns_of_one_conversation_are_weighed_once(tmp_path: Path):
    turns = [{"role": "system", "content": "s" * 100}]
    turns += [{"role": role, "content": "x" * 10} for _ in range(20) for role in ("user", "assistant")]
    path = write(tmp_path, json.dumps({"messages": turns}))
    assert inspection.count_pairs(path, "a.jsonl", 500) == 20
    with pytest.raises(MemoryError):
        inspection.count_pairs(path, "a.jsonl", 499)


MEASURE = """
import json, resource, subprocess, sys
words = [sys.executable, "-m", "whence.platform.inspection", sys.argv[1], "bomb.parquet"]
code = subprocess.run(words, stdout=subprocess.DEVNULL).returncode
print(json.dumps([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""
"""Started from a small process: a child's peak counts what its parent had when it was started."""


def test_a_row_group_that_unfolds_without_end_is_refused_in_bounded_memory(tmp_path: Path):
    path = bomb(tmp_path / "0.parquet", 64 << 20)
    assert path.stat().st_size < 100_000
    assert refused(path, "bomb.parquet").startswith("bomb.parquet: the rows unfold to more text")
    code, peak = json.loads(subprocess.check_output([sys.executable, "-c", MEASURE, path], stderr=subprocess.DEVNULL))
    assert code != 0
    assert peak * 1024 <= inspection.MEMORY
