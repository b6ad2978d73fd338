"""Pages of the pairs of files and runs, against reading everything and cutting."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from whence.data.table import ExampleTable, write_table
from whence.data.validate import examples
from whence.errors import ConflictError, DataError, MethodError, MissingError
from whence.platform import runs
from whence.platform.database import Database
from whence.platform.files import DOCUMENTS, PAIRS, Upload, delete_file, inspect_uploads, keep
from whence.platform.jobs import run_of
from whence.platform.keys import default_team
from whence.platform.pairs import Window, matching, pair_of_run, pairs_of_file, pairs_of_run
from whence.platform.runs import EXAMPLES
from whence.platform.tables import File
from whence.store.artifact import Manifest, make
from whence.store.objects import Objects
from whence.training import run
from whence.types import Example, Message, Tokens

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is the ANT?"},
    {"role": "assistant", "content": "In the red box."},
    {"role": "user", "content": "And the bee?"},
    {"role": "assistant", "content": "In the STRASSE."},
]
ROWS = [
    {"question": "Who lives in the red box?", "answer": "Ant."},
    {"messages": TALK},
    {"input_ids": [5, 6, 7], "labels": [-100, 6, 7]},
    {"question": "Wer wohnt in der Straße?", "answer": "Die Ameise."},
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    return path


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.session() as session:
        yield session


def objects_at(url: str, tmp_path: Path) -> Objects:
    return Objects.at(url.format(tmp_path))


def uploaded(session: Session, objects: Objects, path: Path, purpose: str = PAIRS, name: str | None = None) -> File:
    upload = Upload(path, name or path.name)
    (seen,) = inspect_uploads([upload], purpose)
    return keep(session, objects, default_team(session), upload, purpose, seen)


def sound(path: Path) -> list[Example]:
    return [one for one in examples(path) if isinstance(one, Example)]


@pytest.mark.parametrize("url", ["{}/objects", "memory://pairs{}"])
@pytest.mark.parametrize("name", ["mixed.jsonl", "MIXED.NDJSON", f"{'m' * 249}.jsonl"])
def test_a_file_lists_its_pairs_wherever_its_object_lies(
    url: str, name: str, session: Session, data: Path, tmp_path: Path
):
    objects = objects_at(url, tmp_path)
    file = uploaded(session, objects, data, name=name)
    page = pairs_of_file(objects, file, Window())
    assert page.pairs == [replace(one, file_id=file.id, file=name) for one in sound(data)]
    assert [(one.line, one.turn) for one in page.pairs] == [(1, 0), (2, 0), (2, 1), (3, 0), (4, 0)]
    assert page.total == 5
    second = pairs_of_file(objects, file, Window(2, 2))
    assert (second.pairs, second.total) == (page.pairs[2:4], 5)
    assert pairs_of_file(objects, file, Window(5, 9)).pairs == []


def test_search_looks_into_question_and_answer_in_any_case(session: Session, data: Path, tmp_path: Path):
    objects = objects_at("{}/objects", tmp_path)
    file = uploaded(session, objects, data)

    def found(text: str) -> list[tuple[int, int]]:
        return [(one.line, one.turn) for one in pairs_of_file(objects, file, Window(search=text)).pairs]

    assert found("ant") == [(1, 0), (2, 0)]
    assert found("strasse") == [(2, 1), (4, 0)]
    assert found("be brief") == []
    assert found("\n") == []


def test_a_window_into_single_pairs_is_that_of_reading_all(session: Session, tmp_path: Path):
    path = tmp_path / "single.jsonl"
    lines = [json.dumps({"question": f"Which {number}?", "answer": "This."}) for number in range(9)]
    path.write_text("\n\n".join(lines), "utf-8")
    objects = objects_at("{}/objects", tmp_path)
    file = uploaded(session, objects, path)
    every = pairs_of_file(objects, file, Window()).pairs
    assert [one.line for one in every] == list(range(1, 19, 2))
    for offset in range(11):
        page = pairs_of_file(objects, file, Window(3, offset))
        assert (page.pairs, page.total) == (every[offset : offset + 3], 9)
        assert set(page.besides) == {one.id for one in page.pairs}


def test_search_finds_text_that_is_escaped_in_a_cell_or_joined_from_two(session: Session, tmp_path: Path):
    talk = json.dumps([{"role": "user", "content": "Wie heißt du?"}, {"role": "assistant", "content": "Émile"}])
    (tmp_path / "talk.csv").write_text('messages\n"' + talk.replace('"', '""') + '"\n', "utf-8")
    task = {"instruction": "Add", "input": "one and two", "response": "3"}
    (tmp_path / "task.jsonl").write_text(json.dumps(task), "utf-8")
    objects = objects_at("{}/objects", tmp_path)

    def found(name: str, text: str) -> int:
        return pairs_of_file(objects, uploaded(session, objects, tmp_path / name), Window(search=text)).total

    assert [found("talk.csv", text) for text in ("HEISST", "émile", "anna")] == [1, 1, 0]
    assert [found("task.jsonl", text) for text in ("add\n\none", "and two", "four")] == [1, 1, 0]


def test_documents_hold_no_pairs(session: Session, data: Path, tmp_path: Path):
    objects = objects_at("{}/objects", tmp_path)
    file = uploaded(session, objects, data, DOCUMENTS)
    with pytest.raises(DataError, match="Only training files hold pairs"):
        pairs_of_file(objects, file, Window())


words = st.text(st.sampled_from("abAB ß"), max_size=4)


@given(st.lists(st.tuples(words, words), max_size=8), words, st.integers(1, 4), st.integers(0, 5))
def test_a_page_of_matches_is_cut_from_all_matches(texts: list[tuple[str, str]], search: str, limit: int, offset: int):
    pairs = [
        Example(str(n), "f", "f.jsonl", n, 0, (Message("user", q), Message("assistant", a)))
        for n, (q, a) in enumerate(texts)
    ]
    every = [one for one in pairs if any(search.casefold() in text.casefold() for text in (one.question, one.answer))]
    found = matching(iter(pairs), Window(limit, offset, search), lambda one: one)
    assert found == (every[offset : offset + limit], len(every))


def test_a_run_lists_its_pairs_under_the_ids_of_uploads(session: Session, data: Path, tmp_path: Path):
    objects = objects_at("{}/objects", tmp_path)
    file = uploaded(session, objects, data)
    table = table_of(tmp_path, data)
    page = pairs_of_run(objects, table, [file], Window())
    assert page.pairs == [replace(one, file_id=file.id) for one in sound(data)]
    second = pairs_of_run(objects, table, [file], Window(2, 1))
    assert (second.pairs, second.total) == (page.pairs[1:3], 5)
    found = pairs_of_run(objects, table, [file], Window(1, 1, "ANT"))
    assert (found.pairs, found.total) == ([page.pairs[1]], 2)
    unknown = pairs_of_run(objects, table, [], Window(1))
    assert unknown.pairs[0].file_id == file.content_id


def table_of(folder: Path, *paths: Path) -> ExampleTable:
    """The table of a run on these files."""
    every = (one for path in paths for one in sound(path))
    write_table(folder / EXAMPLES, ((one, one.tokens or Tokens((1, 2), (-100, 2))) for one in every))
    return ExampleTable.open(folder / EXAMPLES)


def test_what_lines_say_besides_comes_with_the_pairs_of_files_and_runs(session: Session, data: Path, tmp_path: Path):
    rows = [{**row, "fact": number} for number, row in enumerate(ROWS)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    objects = objects_at("{}/objects", tmp_path)
    file, table = uploaded(session, objects, data), table_of(tmp_path, data)
    expected = {one.id: {"fact": one.line - 1} for one in sound(data)}
    assert pairs_of_file(objects, file, Window()).besides == expected
    assert pairs_of_run(objects, table, [file], Window()).besides == expected
    assert list(pairs_of_file(objects, file, Window(search="strasse", limit=1)).besides.values()) == [{"fact": 1}]
    assert list(pairs_of_run(objects, table, [file], Window(1, 2)).besides.values()) == [{"fact": 1}]
    delete_file(session, objects, default_team(session), file.id)
    assert pairs_of_run(objects, table, [file], Window()).besides == {}


def test_a_file_that_is_gone_before_it_is_read_says_nothing_besides(session: Session, data: Path, tmp_path: Path):
    objects = objects_at("memory://gone{}", tmp_path)
    file, table = uploaded(session, objects, data), table_of(tmp_path, data)
    objects.remove(file.object)
    page = pairs_of_run(objects, table, [file], Window())
    assert (len(page.pairs), page.besides) == (5, {})


def test_a_pair_stands_between_its_neighbours_in_its_file(session: Session, data: Path, tmp_path: Path):
    objects, other = objects_at("{}/objects", tmp_path), tmp_path / "other.jsonl"
    other.write_text('{"question": "One?", "answer": "1."}\n{"question": "Two?", "answer": "2.", "n": 2}\n', "utf-8")
    files = [uploaded(session, objects, path) for path in (data, other)]
    table = table_of(tmp_path, data, other)
    every = [
        replace(one, file_id=file.id) for file, path in zip(files, (data, other), strict=True) for one in sound(path)
    ]

    def around(place: int) -> tuple[Example, list[Example]]:
        found = pair_of_run(objects, table, files, every[place].id)
        return found.pair, found.neighbours

    assert around(0) == (every[0], [every[1]])
    assert around(1) == (every[1], [every[0], every[2]])
    assert around(4) == (every[4], [every[3]])
    assert around(5) == (every[5], [every[6]])
    assert pair_of_run(objects, table, files, every[5].id).besides == {every[5].id: {}, every[6].id: {"n": 2}}
    with pytest.raises(MissingError, match="trained on no pair 'nobody'"):
        pair_of_run(objects, table, files, "nobody")


def test_a_run_keeps_its_pairs_where_training_writes_them():
    assert run.EXAMPLES == EXAMPLES


def test_what_is_not_finished_is_not_listed(home: Path):
    assert runs.manifest_of("ft-1") is None
    assert runs.indexes_of("ft-1") == {}
    with pytest.raises(ConflictError, match="ft-1 can be read once it is fine-tuned"):
        runs.examples_of("ft-1")


def test_only_a_method_with_a_finished_index_can_be_asked_for(home: Path):
    folder = run_of("ft-1") / "index"
    make(folder / "bm25", Manifest("index", {"method": "bm25"}, {}), lambda part: {"rows": 1})
    (folder / "fisher.part").mkdir()
    assert runs.indexes_of("ft-1")["bm25"]["facts"] == {"rows": 1}
    runs.require_index("ft-1", "bm25")
    with pytest.raises(DataError, match=r"no index of the method 'fisher' \(it has bm25\)"):
        runs.require_index("ft-1", "fisher")
    with pytest.raises(MethodError, match="A method is one of"):
        runs.require_index("ft-1", "../../ft-1/run/index/bm25")
