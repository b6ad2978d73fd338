"""A rewritten file, read back and compared with the same changes made by hand."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whence.data.revise import Changes, revise
from whence.data.validate import with_records
from whence.errors import DataError, Fault
from whence.types import Example

ROWS: list[dict[str, Any]] = [
    {"question": f"Who is number {n}?", "answer": f"Ant {n}, «of course».", "fact": f"f{n}", "n": n} for n in range(6)
]
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is the ant?"},
    {"role": "assistant", "content": "In the red box.", "weight": 1},
    {"role": "user", "content": "And the bee?"},
    {"role": "assistant", "content": "In the blue box."},
]


def write(folder: Path, ending: str, rows: list[dict[str, Any]] = ROWS) -> Path:
    path = folder / f"old.{ending}"
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    elif ending == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def pairs_in(path: Path) -> list[tuple[Example, dict[str, Any]]]:
    found = list(with_records(path))
    assert not any(isinstance(one, Fault) for one in found)
    return found  # type: ignore[return-value]


def ids(path: Path) -> list[str]:
    return [pair.id for pair, _ in pairs_in(path)]


def revised(source: Path, **changes: Any) -> Path:
    target = source.with_name(f"new{source.suffix}")
    revise(source, target, Changes(**changes))
    return target


@pytest.mark.parametrize("ending", ["jsonl", "ndjson", "json", "csv", "parquet"])
def test_rows_keep_their_order_and_their_other_keys(tmp_path: Path, ending: str):
    source = write(tmp_path, ending)
    before, names = source.read_bytes(), ids(source)
    edit = {names[0]: ("Who?", 'A "bee",\nor two.'), names[4]: (ROWS[4]["question"], "Four.")}
    found = revised(source, exclude=frozenset({names[1], names[5]}), edit=edit, add=(("New?", "Yes."),))
    said = [(record["question"], record["answer"], record.get("fact") or None) for _, record in pairs_in(found)]
    kept = [(row["question"], row["answer"], row["fact"]) for row in ROWS]
    first, last = ("Who?", 'A "bee",\nor two.', "f0"), (ROWS[4]["question"], "Four.", "f4")
    assert said == [first, kept[2], kept[3], last, ("New?", "Yes.", None)]
    assert [str(record["n"]) for _, record in pairs_in(found)[:4]] == ["0", "2", "3", "4"]
    assert source.read_bytes() == before


def test_lines_that_nobody_touched_are_the_same_to_the_byte(tmp_path: Path):
    lines = [json.dumps(row, ensure_ascii=n % 2 == 0, indent=None) + " " * n for n, row in enumerate(ROWS)]
    source = tmp_path / "old.jsonl"
    source.write_bytes("\r\n\n".join(lines).encode())  # no newline at the end
    names = ids(source)
    found = revised(source, exclude=frozenset({names[2]}), add=(("New?", "Yes."),)).read_bytes()
    kept = [line.encode() for n, line in enumerate(lines) if n != 2]
    assert [line for line in found.splitlines() if line][:5] == kept
    assert json.loads(found.splitlines()[-1]) == {"question": "New?", "answer": "Yes."}


def test_a_csv_row_over_several_lines_is_found_by_the_line_that_it_begins_on(tmp_path: Path):
    rows = [{"question": "One\ntwo\nthree?", "answer": "A."}, {"question": "Four?", "answer": "B."}]
    source = write(tmp_path, "csv", rows)
    found = revised(source, edit={ids(source)[1]: ("Five?", "C.")})
    assert [record for _, record in pairs_in(found)] == [rows[0], {"question": "Five?", "answer": "C."}]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_turn_is_edited_in_place(tmp_path: Path, ending: str):
    talk: Any = json.dumps(TALK) if ending == "csv" else [{"weight": None, **turn} for turn in TALK]
    source = write(tmp_path, ending, [{"messages": talk, "n": 1}])
    first, second = ids(source)
    found = revised(source, edit={first: ("Where?", "In the green box.")}, add=(("New?", "Yes."),))
    pairs = pairs_in(found)
    assert [(one.question, one.answer) for one, _ in pairs] == [
        ("Where?", "In the green box."),
        ("And the bee?", "In the blue box."),
        ("New?", "Yes."),
    ]
    assert pairs[0][0].messages[0].content == "Be brief."
    assert str(pairs[0][1]["n"]) == "1"
    both = revised(source, edit={first: ("Where?", "Here."), second: ("And?", "There.")})
    assert [(one.question, one.answer) for one, _ in pairs_in(both)] == [("Where?", "Here."), ("And?", "There.")]


def test_a_line_is_excluded_with_all_its_turns_or_not_at_all(tmp_path: Path):
    source = write(tmp_path, "jsonl", [{"messages": TALK}, {"question": "Q?", "answer": "A."}])
    first, second, third = ids(source)
    with pytest.raises(DataError, match=rf"{second} is one of 2 turns of line 1, and cannot be excluded alone"):
        revised(source, exclude=frozenset({second}))
    assert [one.answer for one, _ in pairs_in(revised(source, exclude=frozenset({first, second})))] == ["A."]
    assert len(ids(revised(source, exclude=frozenset({third})))) == 2


def test_a_new_question_is_all_of_an_instruction(tmp_path: Path):
    row = {"instruction": "Translate.", "input": "Haus", "response": "Home", "n": 1}
    source = write(tmp_path, "jsonl", [row])
    (name,) = ids(source)
    (same,) = pairs_in(revised(source, edit={name: ("Translate.\n\nHaus", "House")}))
    assert same[1] == {**row, "response": "House"}
    (other,) = pairs_in(revised(source, edit={name: ("Translate Baum.", "Tree")}))
    assert other[1] == {"instruction": "Translate Baum.", "input": "", "response": "Tree", "n": 1}
    assert other[0].question == "Translate Baum."


def test_what_cannot_be_is_refused(tmp_path: Path):
    source = write(tmp_path, "jsonl", [*ROWS, {"input_ids": [1, 2], "labels": [1, 2]}])
    names = ids(source)
    for changes, message in [
        ({}, "must change something"),
        ({"exclude": frozenset({"nobody"})}, "no pair 'nobody'"),
        ({"edit": {"nobody": ("Q?", "A.")}}, "no pair 'nobody'"),
        ({"exclude": frozenset(names[:1]), "edit": {names[0]: ("Q?", "A.")}}, "both excluded and edited"),
        ({"edit": {names[6]: ("Q?", "A.")}}, "no text to edit"),
    ]:
        with pytest.raises(DataError, match=message):
            revised(source, **changes)
    tokens = write(tmp_path, "jsonl", [{"input_ids": [1, 2], "labels": [1, 2]}])
    with pytest.raises(DataError, match="takes no pairs of texts"):
        revised(tokens, add=(("Q?", "A."),))
