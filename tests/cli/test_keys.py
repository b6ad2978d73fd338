import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Whence
from whence import settings
from whence.platform.database import open_database
from whence.platform.keys import team_of


@pytest.fixture(autouse=True)
def service(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without a database."""
    monkeypatch.delenv("WHENCE_DATABASE_URL", raising=False)


def test_a_new_key_is_shown_once_and_opens_its_team(whence: Whence):
    done = whence("keys", "create", "--team", "research")
    assert done.code == 0
    key = done.out.splitlines()[0]
    database = open_database(settings.database_url())
    with database.session() as session:
        assert team_of(session, key) is not None
    database.close()
    assert "It is not shown again" in done.out
    assert key.split("-", 2)[2] not in whence("keys", "list").out


def test_json_of_the_three_commands(whence: Whence):
    made = whence("keys", "create", "--team", "research", "--json").json
    assert set(made) == {"id", "team", "key"}
    assert made["key"].startswith(f"wk-{made['id']}-")
    (listed,) = whence("keys", "list", "--json").json
    assert set(listed) == {"id", "team", "created_at", "revoked_at"}
    assert (listed["id"], listed["team"], listed["revoked_at"]) == (made["id"], "research", None)
    revoked = whence("keys", "revoke", made["id"], "--json").json
    assert set(revoked) == {"id", "revoked_at"}
    assert whence("keys", "list", "--json").json == [{**listed, "revoked_at": revoked["revoked_at"]}]


def test_the_list_of_keys_fits_a_terminal(whence: Whence):
    assert "There is no key" in whence("keys", "list").out
    ids = [whence("keys", "create", "--team", name, "--json").json["id"] for name in ("a", "x" * 64)]
    whence("keys", "revoke", ids[1])
    shown = whence("keys", "list").out
    assert max(map(len, shown.splitlines())) <= 80
    assert all(identity in shown for identity in ids)
    assert len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", shown)) == 3


def test_a_revoked_key_is_said_to_be(whence: Whence):
    made = whence("keys", "create", "--json").json
    assert whence("keys", "revoke", made["id"]).out == f"Key {made['id']} is revoked.\n"


def test_an_unknown_key_cannot_be_revoked(whence: Whence):
    done = whence("keys", "revoke", "nothing")
    assert (done.code, done.out) == (1, "")
    assert "whence keys list" in done.err
    error = json.loads(whence("keys", "revoke", "nothing", "--json").err)["error"]
    assert error["kind"] == "AccessError"


def test_a_team_needs_a_name_that_can_be_one(whence: Whence):
    done = whence("keys", "create", "--team", "a/b")
    assert done.code == 1
    assert "A team's name" in done.err
    assert whence("keys", "list", "--json").json == []
