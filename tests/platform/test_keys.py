import hmac
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from whence.errors import AccessError
from whence.platform import keys
from whence.platform.database import Database, open_database
from whence.platform.keys import create_key, default_team, keys_exist, list_keys, revoke_key, team_of
from whence.platform.tables import Key, Team


def test_a_key_opens_its_team(database: Database):
    with database.session() as session:
        ours, theirs = create_key(session), create_key(session, "other")
    with database.session() as session:
        assert team_of(session, ours.key) == default_team(session)
        assert team_of(session, theirs.key) == session.scalar(select(Team.id).where(Team.name == "other"))


def test_keys_of_one_team_open_the_same_team(database: Database):
    with database.session() as session:
        first, second = create_key(session, "team a"), create_key(session, "team a")
        assert first.key != second.key
        assert team_of(session, first.key) == team_of(session, second.key)


def test_the_secret_is_nowhere_in_the_database(tmp_path: Path):
    database = open_database(f"sqlite:///{tmp_path / 'whence.db'}")
    with database.session() as session:
        made = create_key(session)
    secret = made.key.removeprefix(f"wk-{made.id}-").encode()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(made.id.encode() in path.read_bytes() for path in files)
    assert not any(secret in path.read_bytes() for path in files)
    database.close()


def test_a_key_has_a_form_that_scanners_can_look_for(database: Database):
    with database.session() as session:
        assert re.fullmatch(r"wk-[0-9a-f]{12}-[A-Za-z0-9_-]{43}", create_key(session).key)


def test_a_revoked_key_opens_nothing_and_keeps_its_first_moment(database: Database):
    with database.session() as session:
        made, other = create_key(session), create_key(session)
        first = revoke_key(session, made.id).revoked_at
        assert revoke_key(session, made.id).revoked_at == first
    with database.session() as session:
        assert team_of(session, made.key) is None
        assert team_of(session, other.key) is not None


def test_revoking_the_last_key_does_not_open_the_service_again(database: Database):
    with database.session() as session:
        assert not keys_exist(session)
        revoke_key(session, create_key(session).id)
    with database.session() as session:
        assert keys_exist(session)


NO_KEYS = (
    "",
    "-",
    "--",
    "wk",
    "wk--",
    "wk-0123456789ab",
    "wk-0123456789ab-",
    "no dashes",
    "wk-" + "a" * 100_000,
    "wk-0123456789ab-" + "x" * 1_000_000,
    "-" * 100_000,
    "wk-ключ-ключ",
    "wk-\x00-\x00",
    "wk-0123456789ab-" + "\udcff" * 43,
    "wk-\ud800-x",
    "Bearer wk-0123456789ab-secret",
)


def test_what_is_no_key_opens_nothing(database: Database):
    with database.session() as session:
        assert {ascii(text[:40]) for text in NO_KEYS if team_of(session, text) is not None} == set()


def test_a_key_that_is_not_quite_right_opens_nothing(database: Database):
    with database.session() as session:
        key = create_key(session).key
        wrong = (key.upper(), key[:-1], f"{key}A", f"{key}\n", f" {key}", key.replace("wk-", "sk-"))
        assert [team_of(session, text) for text in wrong] == [None] * len(wrong)


def test_a_key_with_anothers_secret_opens_nothing(database: Database):
    with database.session() as session:
        one, other = create_key(session), create_key(session)
        assert team_of(session, f"wk-{one.id}-{other.key.split('-', 2)[2]}") is None


def test_a_wrong_id_takes_the_same_path_as_a_wrong_secret(database: Database, monkeypatch: pytest.MonkeyPatch):
    compared: list[tuple[str, str]] = []
    really = hmac.compare_digest

    def compare(known: str, given: str) -> bool:
        compared.append((known, given))
        return really(known, given)

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)
    with database.session() as session:
        made = create_key(session)
        assert team_of(session, f"wk-{made.id}-{'x' * 43}") is None
        assert team_of(session, f"wk-{'0' * 12}-{'x' * 43}") is None
    assert len(compared) == 2
    assert all(len(known) == len(given) == 64 for known, given in compared)


def test_names_of_teams(database: Database):
    for name in ("a", "A-Team_2", "7th floor", "data.science", "x" * 64):
        with database.session() as session:
            assert create_key(session, name).team == name


def test_names_that_no_team_can_have(database: Database):
    for name in ("", " a", "-a", "x" * 65, "a\n", "a/b", "é", "a\x00", "\ud800"):
        with database.session() as session, pytest.raises(AccessError, match=r"1 to 64 letters.*Choose another"):
            create_key(session, name)
    with database.session() as session:
        assert session.scalars(select(Key)).all() == []


def test_keys_are_listed_with_their_teams_the_oldest_first(database: Database):
    with database.session() as session:
        made = [create_key(session, name) for name in ("b", "a", "b")]
    with database.session() as session:
        assert [(key.id, team) for key, team in list_keys(session)] == [(key.id, key.team) for key in made]


def test_an_id_that_no_key_has_cannot_be_revoked(database: Database):
    with database.session() as session, pytest.raises(AccessError, match="whence keys list"):
        revoke_key(session, "nothing")
