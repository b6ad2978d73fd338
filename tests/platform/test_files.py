from pathlib import Path

import pytest

from tests.platform.conftest import Keep
from whence.errors import DataError, MissingError
from whence.platform.database import Database
from whence.platform.files import (
    DOCUMENTS,
    PAIRS,
    Upload,
    check_name,
    delete_file,
    get_file,
    inspect_uploads,
    is_file_id,
    list_files,
    rename_file,
    type_of,
)
from whence.store.objects import Objects

PAIR = '{"question": "Q?", "answer": "A."}\n'


@pytest.mark.parametrize(
    "name",
    ["a.jsonl", "Fragen & Antworten (2).csv", "質問.jsonl", ".jsonl", "a..b.jsonl", "x" * 249 + ".jsonl", "👩‍🏫.csv"],
)
def test_names_that_files_may_have(name: str):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b.jsonl",
        "../a.jsonl",
        "/etc/passwd",
        "a\\b.jsonl",
        "a\nb.jsonl",
        "a\x00.jsonl",
        "a\x1b[31m.jsonl",
        "a\x7f.jsonl",
        "a\u2028b.jsonl",
        "a\u2029b.jsonl",
        "a\u202elnosj.exe",
        "a\u2066b.jsonl",
        "a\ud800.jsonl",
        "a\ue000.jsonl",
        "a\ufdd0.jsonl",
        "x" * 250 + ".jsonl",
        "é" * 125 + ".jsonl",
    ],
    ids=ascii,
)
def test_names_that_no_file_may_have(name: str):
    with pytest.raises(DataError, match=r"1 to 255 printable characters, no path .* Rename it") as caught:
        check_name(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jsonl", "jsonl"), ("a.NDJSON", "jsonl"), ("a.json", "json"), ("a.csv", "csv"), ("a.b.Parquet", "parquet")],
)
def test_training_data_by_their_ending(name: str, kind: str):
    assert type_of(name, PAIRS) == kind


@pytest.mark.parametrize("name", ["a", "a.txt", "jsonl", "a.jsonl.gz", ".jsonl", "a.xlsx"])
def test_training_data_of_other_endings_are_refused(name: str):
    with pytest.raises(DataError, match=r"training data must end in \.jsonl, .* Convert it"):
        type_of(name, PAIRS)


def test_documents_have_other_endings():
    assert type_of("a.PDF", DOCUMENTS) == "pdf"
    with pytest.raises(DataError, match="documents must end in one of"):
        type_of("a.parquet", DOCUMENTS)


def test_nothing_has_another_purpose():
    with pytest.raises(DataError, match=r"must be 'fine-tune' or 'alignment' .found 'other'"):
        type_of("a.jsonl", "other")


def test_a_kept_file_is_counted_named_and_whole(database: Database, objects: Objects, kept: Keep, team: int):
    file = kept("colours.jsonl", content=2 * PAIR)
    with database.session() as session:
        found = get_file(session, team, file.id)
        assert (found.filename, found.type, found.purpose) == ("colours.jsonl", "jsonl", PAIRS)
        assert (found.bytes, found.examples) == (2 * len(PAIR), 2)
        assert b"".join(objects.pieces(found.object)).decode() == 2 * PAIR


def test_equal_bytes_have_equal_content_whatever_they_are_called(kept: Keep):
    one, same, other = kept("a.jsonl", content=PAIR), kept("b.jsonl", content=PAIR), kept("c.jsonl")
    assert one.content_id == same.content_id != other.content_id
    assert len({one.id, same.id, other.id}) == 3


def test_one_bad_file_of_several_refuses_all(tmp_path: Path):
    good, bad = tmp_path / "0.jsonl", tmp_path / "1.jsonl"
    good.write_text(PAIR)
    bad.write_text(PAIR + '{"question": "Q?"}\n')
    with pytest.raises(DataError, match=r"^mine\.jsonl, line 2: "):
        inspect_uploads([Upload(good, "good.jsonl"), Upload(bad, "mine.jsonl")], PAIRS)


def test_files_are_listed_the_newest_first_by_purpose(database: Database, kept: Keep, team: int):
    ids = [kept(name).id for name in ("a.jsonl", "b.jsonl")]
    with database.session() as session:
        assert [file.id for file in list_files(session, team)] == ids[::-1]
        assert [file.id for file in list_files(session, team, PAIRS)] == ids[::-1]
        assert list_files(session, team, DOCUMENTS) == []


def test_teams_do_not_see_each_others_files(
    database: Database, objects: Objects, kept: Keep, team: int, other_team: int
):
    ours, theirs = kept(), kept(owner=other_team)
    with database.session() as session:
        assert [file.id for file in list_files(session, team)] == [ours.id]
        assert [file.id for file in list_files(session, other_team)] == [theirs.id]
        with pytest.raises(MissingError, match=f"No file '{theirs.id}' exists"):
            get_file(session, team, theirs.id)
        with pytest.raises(MissingError):
            rename_file(session, team, theirs.id, "mine.jsonl")
        with pytest.raises(MissingError):
            delete_file(session, objects, team, theirs.id)


def test_ids_that_no_file_has(database: Database, team: int):
    for identity in ("", "file-1", "a\x00b", "'; drop table files; --", "\ud800", "x" * 10_000):
        with database.session() as session, pytest.raises(MissingError):
            get_file(session, team, identity)


def test_a_file_is_renamed_within_its_kind(database: Database, kept: Keep, team: int):
    file = kept("a.jsonl")
    with database.session() as session:
        assert rename_file(session, team, file.id, "b.ndjson").filename == "b.ndjson"
    with database.session() as session:
        assert get_file(session, team, file.id).filename == "b.ndjson"
        with pytest.raises(DataError, match="must stay that of a jsonl file"):
            rename_file(session, team, file.id, "b.csv")
        with pytest.raises(DataError, match="no path"):
            rename_file(session, team, file.id, "../b.jsonl")
        assert get_file(session, team, file.id).filename == "b.ndjson"


def test_a_deleted_file_is_gone_with_its_object(database: Database, objects: Objects, kept: Keep, team: int):
    file, other = kept(), kept()
    with database.session() as session:
        delete_file(session, objects, team, file.id)
    with database.session() as session:
        assert [found.id for found in list_files(session, team)] == [other.id]
        assert get_file(session, team, file.id, deleted=True).deleted_at
        with pytest.raises(MissingError):
            delete_file(session, objects, team, file.id)
    with pytest.raises(FileNotFoundError):
        objects.open(file.object)
    assert b"".join(objects.pieces(other.object))


def test_ids_of_files_have_a_form(kept: Keep):
    assert is_file_id(kept().id)
    assert not any(is_file_id(text) for text in ("", "file-", "file-1", "ft-0", "pairs.jsonl"))
