"""What there is, in one call."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import accepted
from tests.platform.attributions import pair, result
from whence import __version__
from whence.platform import jobs
from whence.platform.history import record
from whence.platform.keys import create_key, default_team
from whence.platform.overview import RECENT
from whence.platform.tables import now


def test_nothing_was_done_yet(fresh: TestClient):
    found = fresh.get("/v1/whence/overview").json()
    assert found == {
        "object": "overview",
        "deployments": [],
        "jobs": [],
        "attributions": [],
        "files": 0,
        "pairs": 0,
        "version": __version__,
        "keys": False,
        "demo": None,
    }


def test_the_demo_is_told_once_it_was_started(fresh: TestClient):
    made = fresh.post("/v1/whence/demo").json()
    assert fresh.get("/v1/whence/overview").json()["demo"] == made


@pytest.fixture
def busy(fresh: TestClient, pairs: Path) -> TestClient:
    """A service with two jobs that go on, seven that ended, and seven attributions."""
    service = fresh.app.state.service
    with service.database.session() as session:
        job = ""
        for number in range(9):
            job, _ = accepted(session, service, pairs)
            if number not in (0, 5):
                jobs.move(session, job, ("pending",), status="completed", completed_at=now())
        for number in range(7):
            record(session, default_team(session), "m", job, result(pair(number)))
    return fresh


def test_what_goes_on_comes_first_and_what_ended_is_cut(busy: TestClient):
    found = busy.get("/v1/whence/overview").json()
    states = [job["status"] for job in found["jobs"]]
    assert states == ["pending"] * 2 + ["completed"] * RECENT
    ended = [job["created_at"] for job in found["jobs"][2:]]
    assert ended == sorted(ended, reverse=True)
    assert found["jobs"][0] == busy.get(f"/v1/flow/fine-tunes/{found['jobs'][0]['id']}").json()
    listed = busy.get("/v1/whence/attributions", params={"limit": RECENT}).json()["data"]
    assert found["attributions"] == listed
    assert (found["files"], found["pairs"]) == (9, 9 * 12)


def test_deleted_files_do_not_count_and_deployments_are_those_of_the_list(busy: TestClient):
    file = busy.get("/v1/flow/files").json()["data"][0]["id"]
    used = [job for job in busy.get("/v1/flow/fine-tunes").json()["data"] if job["training_files"] == [file]]
    if used[0]["status"] == "pending":
        busy.put(f"/v1/flow/fine-tunes/{used[0]['id']}/cancel")
    assert busy.delete(f"/v1/flow/files/{file}").status_code == 200
    body = {"model_type": "Base Model", "model_id": "tiny-llama", "name": "A name", "description": "A test."}
    made = busy.post("/v1/flow/deployments", json={**body, "n_instances": 1}).json()
    found = busy.get("/v1/whence/overview").json()
    assert (found["files"], found["deployments"]) == (8, [made])


def test_another_team_sees_its_own_only(busy: TestClient):
    with busy.app.state.service.database.session() as session:
        key = create_key(session, "others").key
    found = busy.get("/v1/whence/overview", headers={"Authorization": key}).json()
    assert (found["jobs"], found["attributions"], found["files"], found["keys"]) == ([], [], 0, True)
