import csv
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whence.data.validate import check, examples, load, queries, require_valid
from whence.errors import DataError, Fault, ModelError
from whence.types import Example

from .conftest import CHATML

Write = Callable[..., Path]

PAIR = {"question": "q", "answer": "a"}
USER, ANSWER = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
CHAT = {"messages": [USER, ANSWER, USER, ANSWER]}
TOKENS = {"input_ids": [1, 2], "labels": [-100, 2]}


def sound(path: Path) -> list[Example]:
    return [found for found in examples(path) if isinstance(found, Example)]


def test_every_assistant_turn_is_an_example_with_an_id_of_its_own(write: Write) -> None:
    path = write(PAIR, "", CHAT, TOKENS)
    found = sound(path)
    assert [(e.line, e.turn, len(e.messages)) for e in found] == [(1, 0, 2), (3, 0, 2), (3, 1, 4), (4, 0, 0)]
    assert len({e.id for e in found}) == 4
    assert {e.file for e in found} == {"data.jsonl"}
    assert found == sound(path)
    assert found[3].tokens


def test_bad_lines_stand_where_they_are_among_good_ones(write: Write) -> None:
    path = write(PAIR, {"answer": "a"}, "", "nonsense", PAIR)
    assert [(type(one), one.line) for one in examples(path)] == [
        (Example, 1),
        (Fault, 2),
        (Fault, 4),
        (Example, 5),
    ]


def test_csv_and_parquet_give_the_same_conversations(write: Write, tmp_path: Path) -> None:
    table, messages = tmp_path / "a.parquet", [CHAT["messages"]]
    pq.write_table(pa.table({"messages": messages}), table)
    text = tmp_path / "a.csv"
    with text.open("w", newline="") as file:
        csv.writer(file).writerows([["messages"], [json.dumps(CHAT["messages"])]])
    expected = [e.messages for e in sound(write(CHAT))]
    assert [e.messages for e in sound(table)] == [e.messages for e in sound(text)] == expected


def test_queries_are_read_in_any_format_and_keep_the_examples_ids(write: Write) -> None:
    path = write(PAIR, CHAT, TOKENS)
    assert [q.id for q in queries(path)] == [e.id for e in sound(path)]
    assert queries(path)[0].answer == "a"


def test_queries_report_every_bad_line_at_once(write: Write) -> None:
    with pytest.raises(DataError) as caught:
        queries(write("x", PAIR, {"question": "only"}))
    assert [fault.line for fault in caught.value.faults] == [1, 3]


def test_a_check_counts_everything_in_one_pass(write: Write, tokenizer: Any) -> None:
    first, second = write(PAIR, CHAT, TOKENS, PAIR, "bad", name="a.jsonl"), write(PAIR, "bad", name="b.jsonl")
    report = check([first, second], tokenizer)
    assert (report.rows, report.examples, report.fault_count) == (7, 6, 2)
    assert report.formats == {"question/answer": 3, "messages": 1, "input_ids/labels": 1}
    assert report.bytes == first.stat().st_size + second.stat().st_size
    assert [(fault.file, fault.line) for fault in report.faults] == [("a.jsonl", 5), ("b.jsonl", 2)]
    assert report.duplicates == ((("a.jsonl", 1), ("a.jsonl", 2), ("a.jsonl", 4), ("b.jsonl", 1)),)
    lengths = [len(tokens.input_ids) for _, tokens in load(write(PAIR, CHAT, TOKENS), tokenizer)]
    assert report.tokens
    assert report.tokens.total == sum(lengths) + 2 * lengths[0]
    assert report.tokens.longest == max(lengths)
    assert report.tokens.mean == pytest.approx(report.tokens.total / 6)
    assert report.tokens.answers == 5 * 2 + 1


def test_a_conversation_that_is_there_twice_is_one_group_of_twins(write: Write) -> None:
    longer = {"messages": [{"role": "user", "content": "other"}, ANSWER, USER, ANSWER]}
    assert check(write(longer, longer)).duplicates == ((("data.jsonl", 1), ("data.jsonl", 2)),)


def test_without_a_tokenizer_tokens_are_not_counted(write: Write) -> None:
    assert check(write(PAIR), max_length=1).tokens is None
    assert check(write(PAIR)).valid


def test_files_that_cannot_be_read_are_faults_among_the_others(write: Write, tmp_path: Path) -> None:
    good, empty, twin = write(PAIR), write("", name="empty.jsonl"), write(PAIR, name="twin.jsonl")
    report = check([tmp_path / "missing.jsonl", empty, good, twin])
    assert report.examples == 1
    assert [fault.line for fault in report.faults] == [0, 0, 0]
    for fault, rule in zip(report.faults, ["must exist", "at least one row", "given twice"], strict=True):
        assert rule in fault.rule


def test_a_check_of_nothing_but_faults_still_reports(write: Write, tokenizer: Any) -> None:
    report = check(write("bad"), tokenizer)
    assert report.examples == 0
    assert report.tokens
    assert report.tokens.mean == 0


def test_examples_that_are_too_long_are_faults_in_order(write: Write, tokenizer: Any) -> None:
    long = {"question": "q" * 500, "answer": "a"}
    report = check(write(PAIR, long, "bad", long), tokenizer, max_length=200)
    assert [fault.line for fault in report.faults] == [2, 3, 4]
    assert "200 tokens" in report.faults[0].rule


def test_what_the_template_refuses_is_a_fault_at_its_line(write: Write, make_tokenizer: Any) -> None:
    refusal = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    picky = make_tokenizer(refusal + CHATML)
    report = check(write(PAIR, {**PAIR, "system": "s"}), picky)
    assert [(fault.line, "no system" in fault.value) for fault in report.faults] == [(2, True)]


def test_a_template_that_cannot_be_used_at_all_is_a_model_error(write: Write, make_tokenizer: Any) -> None:
    with pytest.raises(ModelError):
        check(write(PAIR), make_tokenizer("{{ messages | length }}"))


def test_all_bad_lines_are_in_one_error_each_on_its_line(write: Write) -> None:
    require_valid(check(write(PAIR)))
    with pytest.raises(DataError) as caught:
        require_valid(check(write(*["bad"] * 25)))
    lines = str(caught.value).splitlines()
    assert lines[0] == "25 faults in the data:"
    assert [line.split(": ")[0].strip() for line in lines[1:21]] == [f"data.jsonl:{i}" for i in range(1, 21)]
    assert lines[21:] == ["  and 5 more"]
    assert len(caught.value.faults) == 20


def test_loading_gives_examples_with_their_tokens(write: Write, tokenizer: Any) -> None:
    path = write(*[{**PAIR, "answer": f"a{i}"} for i in range(600)])
    found = list(load(path, tokenizer))
    assert [e for e, _ in found] == sound(path)
    assert all(tokenizer.decode(tokens.input_ids).endswith(f"{e.answer}<|im_end|>\n") for e, tokens in found)


def test_loading_bad_data_lists_all_faults(write: Write, tokenizer: Any) -> None:
    with pytest.raises(DataError) as caught:
        list(load(write(PAIR, "bad", PAIR, "bad"), tokenizer))
    assert [fault.line for fault in caught.value.faults] == [2, 4]


def test_loading_truncates_where_it_may(write: Write, tokenizer: Any) -> None:
    path = write({"question": "q" * 500, "answer": "a"})
    ((_, tokens),) = load(path, tokenizer, max_length=50, truncate=True)
    assert len(tokens.input_ids) == 50
    with pytest.raises(DataError, match="50 tokens"):
        list(load(path, tokenizer, max_length=50))


def test_a_large_file_is_checked_in_little_memory(tmp_path: Path) -> None:
    path, line = tmp_path / "a.jsonl", json.dumps({"question": "q" * 10_000, "answer": "a" * 10_000}) + "\n"
    with path.open("w") as file:
        file.writelines(line for _ in range(2_600))
    tracemalloc.start()
    try:
        assert check(path).examples == 2_600
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 50_000_000
    assert peak < 5_000_000


def test_reading_data_imports_neither_torch_nor_transformers() -> None:
    heavy = "{'torch', 'transformers', 'datasets'}"
    code = f"import sys, whence.data.validate, whence.data.table; print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
