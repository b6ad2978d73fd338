"""Keys of one's own team."""

import pytest
from fastapi.testclient import TestClient

from whence.platform.keys import create_key

PATH = "/v1/whence/keys"


@pytest.fixture
def two(fresh: TestClient) -> tuple[dict[str, str], dict[str, str]]:
    """What keys of two teams open the service with."""
    with fresh.app.state.service.database.session() as session:
        return tuple({"Authorization": create_key(session, team).key} for team in ("default", "others"))


def test_a_service_without_keys_makes_none(fresh: TestClient):
    assert fresh.get(PATH).json() == {"object": "list", "team": "default", "current": None, "data": []}
    refused = fresh.post(PATH)
    assert (refused.status_code, "whence keys create" in refused.json()["message"]) == (409, True)
    assert fresh.get(PATH).status_code == 200


def test_a_key_gives_another_which_opens_the_same_team_until_it_is_revoked(
    fresh: TestClient, two: tuple[dict[str, str], dict[str, str]]
):
    mine, other = two
    made = fresh.post(PATH, headers=mine).json()
    new = {"Authorization": f"Bearer {made['key']}"}
    listed = fresh.get(PATH, headers=new).json()
    assert (listed["team"], listed["current"], made["team"]) == ("default", made["id"], "default")
    assert [one["id"] for one in listed["data"]][-1] == made["id"]
    assert made["key"] not in fresh.get(PATH, headers=mine).text
    assert fresh.get(PATH, headers=other).json()["team"] == "others"

    assert fresh.delete(f"{PATH}/{made['id']}", headers=new).status_code == 409
    assert fresh.delete(f"{PATH}/{made['id']}", headers=other).status_code == 404
    assert fresh.delete(f"{PATH}/{made['id']}", headers=mine).json()["revoked_at"]
    assert fresh.get(PATH, headers=new).status_code == 401
