"""What belongs to a team is not there for another one."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import accepted
from tests.platform.attributions import keep, pair, result
from whence.platform.keys import create_key

FOREIGN = [
    ("GET", "/attributions/{attribution}"),
    ("DELETE", "/attributions/{attribution}"),
    ("GET", "/files/{file}/pairs"),
    ("GET", "/runs/{job}"),
    ("GET", "/runs/{job}/pairs"),
    ("GET", "/runs/{job}/events"),
]
LISTS = ["/attributions", "/pairs/recurring"]
EXPORTS = ["jsonl", "csv", "parquet"]


@pytest.fixture
def owned(fresh: TestClient, pairs: Path) -> dict[str, str]:
    """Ids of what the default team owns, and the keys of it and of another team."""
    service = fresh.app.state.service
    with service.database.session() as session:
        job, file = accepted(session, service, pairs)
        (attribution,) = keep(session, result(pair(1)))
        mine, other = create_key(session).key, create_key(session, "others").key
    return {"job": job, "file": file, "attribution": attribution, "mine": mine, "other": other}


@pytest.mark.parametrize(("method", "path"), FOREIGN)
def test_another_team_finds_nothing(fresh: TestClient, owned: dict[str, str], method: str, path: str):
    response = fresh.request(method, "/v1/whence" + path.format(**owned), headers={"Authorization": owned["other"]})
    assert response.status_code == 404
    assert response.json()["error"] == "Not Found"
    assert fresh.request(method, "/v1/whence" + path.format(**owned)).status_code == 401


@pytest.mark.parametrize("path", LISTS)
def test_lists_hold_what_is_ones_own(fresh: TestClient, owned: dict[str, str], path: str):
    mine, other = (
        fresh.get("/v1/whence" + path, headers={"Authorization": owned[who]}).json() for who in ("mine", "other")
    )
    assert (mine["total"], len(mine["data"])) == (1, 1)
    assert (other["total"], other["data"]) == (0, [])


@pytest.mark.parametrize("form", EXPORTS)
def test_exports_hold_what_is_ones_own(fresh: TestClient, owned: dict[str, str], form: str):
    mine, other = (
        fresh.get(
            "/v1/whence/attributions/export", params={"format": form}, headers={"Authorization": owned[who]}
        ).content
        for who in ("mine", "other")
    )
    assert owned["attribution"].encode() in mine
    assert owned["attribution"].encode() not in other
