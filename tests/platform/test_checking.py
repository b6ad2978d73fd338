"""A file looked through before its upload, against what an upload of it would say."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.training.runs import write_pairs
from whence.data.sample import sample
from whence.data.validate import examples
from whence.errors import DataError
from whence.platform import checking
from whence.platform.checking import as_json, check
from whence.types import Example

ROWS: list[Any] = [
    {"question": "Who?", "answer": "Ant.", "fact": "a"},
    {"question": "Who?", "answer": ""},
    {"question": "What?", "answer": "Bee, of course."},
    {"question": "Who?", "answer": "Ant.", "fact": "b"},
    {"no": "format"},
]


def write(folder: Path, rows: list[Any] = ROWS) -> Path:
    path = folder / "0.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{not json\n", "utf-8")
    return path


def test_sound_and_unsound_lines_are_told_alike(tmp_path: Path):
    found = check(write(tmp_path), "mine.jsonl")
    assert (found["filename"], found["lines"], found["pairs"]) == ("mine.jsonl", 6, 3)
    assert [one["line"] for one in found["problems"]] == [2, 5, 6]
    assert found["problems"][0]["rule"] == "`answer` must not be empty"
    assert all(one["fix"] for one in found["problems"])
    assert found["problems_total"] == 3
    assert found["duplicates"] == [{"lines": [1, 4], "question": "Who?"}]
    assert found["question_chars"] == pytest.approx((4 + 5 + 4) / 3)
    assert found["answer_chars"] == pytest.approx((4 + 15 + 4) / 3)


def test_the_sample_has_the_ids_that_the_pairs_will_have(tmp_path: Path):
    path = write_pairs(tmp_path / "0.jsonl")
    found = check(path, "pairs.jsonl")
    expected = [as_json(one, "pairs.jsonl", {}) for one in examples(path) if isinstance(one, Example)]
    assert found["sample"] == expected
    assert found["bytes"] == path.stat().st_size


def test_metadata_stands_in_the_sample(tmp_path: Path):
    assert [one["metadata"] for one in check(write(tmp_path), "a.jsonl")["sample"]] == [
        {"fact": "a"},
        {},
        {"fact": "b"},
    ]


def test_parquet_is_read_apart_and_told_the_same(tmp_path: Path):
    rows = [{"question": "Who?", "answer": text, "n": n} for n, text in enumerate(["Ant.", " ", "Ant."])]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "0.parquet")
    found = check(tmp_path / "0.parquet", "mine.parquet")
    assert (found["lines"], found["pairs"], found["problems_total"]) == (3, 2, 1)
    assert found["duplicates"] == [{"lines": [1, 3], "question": "Who?"}]
    assert [one["metadata"] for one in found["sample"]] == [{"n": 0}, {"n": 2}]


def test_parquet_that_unfolds_to_more_than_an_upload_may_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pq.write_table(pa.table({"question": ["Q" * 2_000_000] * 3, "answer": ["A."] * 3}), tmp_path / "0.parquet")
    monkeypatch.setenv("WHENCE_MAX_UPLOAD_MB", "4")
    with pytest.raises(DataError, match=r"bomb\.parquet: the rows unfold to more text"):
        check(tmp_path / "0.parquet", "bomb.parquet")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"PAR1 is not all of it"])
@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_what_bars_a_whole_file_is_a_problem_like_any_other(tmp_path: Path, ending: str, content: bytes):
    path = tmp_path / f"0.{ending}"
    path.write_bytes(content)
    found = check(path, f"mine.{ending}")
    assert found["pairs"] == 0
    assert found["problems_total"] == len(found["problems"]) == 1
    assert found["sample"] == found["duplicates"] == []


@pytest.mark.parametrize("name", ["../mine.jsonl", "mine.txt", "mine"])
def test_a_name_that_an_upload_may_not_have_is_refused(tmp_path: Path, name: str):
    with pytest.raises(DataError):
        check(write(tmp_path), name)


def test_problems_are_cut_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checking, "PROBLEMS", 3)
    found = check(write(tmp_path, [{"no": n} for n in range(9)]), "a.jsonl")
    assert (len(found["problems"]), found["problems_total"], found["lines"]) == (3, 10, 10)


def test_the_turns_of_a_conversation_are_one_line(tmp_path: Path):
    talk = [{"role": role, "content": f"{role} {n}."} for n in range(3) for role in ("user", "assistant")]
    found = check(write(tmp_path, [{"messages": talk}, {"messages": talk}]), "a.jsonl")
    assert (found["lines"], found["pairs"]) == (3, 6)
    assert found["duplicates"] == [{"lines": [1, 2], "question": "user 0."}]


def test_the_shipped_sample_has_one_pair_three_times(tmp_path: Path):
    path = tmp_path / "0.jsonl"
    path.write_text(sample("pairs.jsonl"), "utf-8")
    found = check(path, "faq.jsonl")
    assert (found["pairs"], found["problems"], len(found["sample"])) == (154, [], 50)
    assert [one["lines"] for one in found["duplicates"]] == [[56, 90, 131]]
