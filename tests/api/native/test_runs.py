"""Runs: what is told of them before, during and after, and what happens as it happens."""

import asyncio
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import BASE, Trained, accepted
from whence.api.routes.native import runs
from whence.api.routes.native.runs import told
from whence.api.service import Service
from whence.client.events import EventParser
from whence.client.jobs import JobEvent
from whence.client.streams import Reader
from whence.platform.events import add_event
from whence.platform.jobs import move, run_of
from whence.platform.tables import now

ROOT = "/v1/whence/runs"


@pytest.fixture
def queued(fresh: TestClient, pairs: Path) -> tuple[str, str]:
    """The ids of a job that waits and of its file."""
    service = fresh.app.state.service
    with service.database.session() as session:
        return accepted(session, service, pairs)


def happen(service: Service, job_id: str, message: str, status: str | None = None) -> None:
    with service.database.session() as session:
        if status:
            move(session, job_id, ("pending", "running"), status=status, completed_at=now())
        add_event(session, job_id, "train", message, numbers={"step": 1, "total_steps": 9, "loss": 0.5})


def events_in(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    return [(event.name, json.loads(event.data)) for event in EventParser().feed(body)]


def test_a_finished_run_shows_what_made_it(client: TestClient, trained: Trained):
    run = client.get(f"{ROOT}/{trained.id}").json()
    folder = run_of(trained.id)
    assert run["manifest"] == json.loads((folder / "manifest.json").read_text("utf-8"))
    index = json.loads((folder / "index/fisher/manifest.json").read_text("utf-8"))
    assert run["indexes"] == [{"method": "fisher", "manifest": index}]
    assert run["files"] == [{"id": trained.file_id, "filename": "pairs.jsonl", "deleted": False}]
    assert (run["id"], run["status"], run["model"], run["place"]) == (trained.id, "completed", BASE, None)


def test_a_waiting_run_shows_its_place(fresh: TestClient, queued: tuple[str, str]):
    run = fresh.get(f"{ROOT}/{queued[0]}").json()
    assert (run["status"], run["place"], run["manifest"], run["indexes"]) == ("pending", 1, None, [])
    assert (run["progress"], run["evaluation"], run["error_analysis"]) == (None, None, None)
    pairs = fresh.get(f"{ROOT}/{queued[0]}/pairs")
    assert pairs.status_code == 409
    assert "once it is fine-tuned" in pairs.json()["message"]


def test_a_run_keeps_its_pairs_when_the_file_is_deleted(
    fresh: TestClient, queued: tuple[str, str], trained: Trained, settled: dict[str, str]
):
    job_id, file_id = queued
    shutil.copytree(Path(settled["WHENCE_HOME"]) / "jobs" / trained.id / "run", run_of(job_id))
    happen(fresh.app.state.service, job_id, "Done.", "completed")
    before = fresh.get(f"/v1/whence/files/{file_id}/pairs").json()
    assert fresh.delete(f"/v1/flow/files/{file_id}").json()["deleted"] is True
    assert fresh.get(f"/v1/whence/files/{file_id}/pairs").status_code == 404
    assert fresh.get(f"{ROOT}/{job_id}/pairs").json() == before
    assert fresh.get(f"{ROOT}/{job_id}").json()["files"][0]["deleted"] is True
    found = fresh.get(f"{ROOT}/{job_id}/pairs", params={"search": "bee", "limit": 5}).json()
    assert ([one["answer"] for one in found["data"]], found["total"], found["limit"]) == (["Bee."], 1, 5)
    assert found["data"][0]["file_id"] == file_id


def test_events_come_as_they_are_written(fresh: TestClient, queued: tuple[str, str]):
    service, job_id = fresh.app.state.service, queued[0]

    async def follow() -> list[tuple[str, dict[str, Any]]]:
        stream, seen = told(service, job_id, 0), list[tuple[str, dict[str, Any]]]()
        while True:
            seen += events_in(await anext(stream))
            if len(seen) == 1 and len(written) == 0:
                written.append("Step 1.")
                happen(service, job_id, "Step 1.")
            elif len(seen) == 2 and len(written) == 1:
                written.append("Over.")
                happen(service, job_id, "Over.", "completed")
            elif seen and seen[-1][0] == "end":
                return seen

    written: list[str] = []
    seen = asyncio.run(follow())
    assert [name for name, _ in seen] == ["progress", "progress", "progress", "end"]
    assert [body["message"] for _, body in seen[:3]] == ["The job was accepted: 12 pairs.", *written]
    assert seen[1][1]["loss"] == 0.5
    assert seen[-1][1] == {"id": job_id, "status": "completed"}


def test_a_job_that_failed_is_resumed_with_its_history(fresh: TestClient, queued: tuple[str, str]):
    happen(fresh.app.state.service, queued[0], "The disk is full.", "failed")
    job = fresh.post(f"{ROOT}/{queued[0]}/resume").json()
    assert (job["id"], job["status"], job["place"]) == (queued[0], "pending", 1)
    told = fresh.get(f"/v1/flow/fine-tunes/{queued[0]}/events").json()["data"]
    assert [event["phase"] for event in told] == ["queued", "train", "resumed"]
    again = fresh.post(f"{ROOT}/{queued[0]}/resume")
    assert again.status_code == 409
    assert "is pending" in again.text


def test_a_stream_ends_when_the_job_does(fresh: TestClient, queued: tuple[str, str]):
    service, job_id = fresh.app.state.service, queued[0]
    ending = threading.Timer(0.7, happen, (service, job_id, "Broken.", "failed"))
    ending.start()
    response = fresh.get(f"{ROOT}/{job_id}/events")
    ending.join()
    assert response.headers["content-type"].startswith("text/event-stream")
    assert events_in(response.content)[-1] == ("end", {"id": job_id, "status": "failed"})
    reader = Reader(JobEvent.of)
    assert [event.message for event in reader.feed(response.content)][-1] == "Broken."
    reader.finish()


def test_a_stream_of_an_ended_job_ends_at_once(client: TestClient, trained: Trained):
    began = time.monotonic()
    first = client.get(f"{ROOT}/{trained.id}/events")
    assert time.monotonic() - began < runs.LOOK
    assert [name for name, _ in events_in(first.content)] == ["progress", "end"]


def test_a_stream_that_was_cut_off_goes_on_after_the_last_event(fresh: TestClient, queued: tuple[str, str]):
    service, job_id = fresh.app.state.service, queued[0]
    for message in ("One.", "Two."):
        happen(service, job_id, message)
    happen(service, job_id, "Three.", "cancelled")
    path = f"{ROOT}/{job_id}/events"
    whole = fresh.get(path)
    ids = [line.removeprefix("id: ") for line in whole.text.splitlines() if line.startswith("id: ")]
    bodies = [body for name, body in events_in(whole.content) if name == "progress"]
    assert ids == [str(body["id"]) for body in bodies]
    for query, headers in (
        ({"after": ids[1]}, {}),
        ({}, {"Last-Event-ID": ids[1]}),
        ({"after": 0}, {"Last-Event-ID": ids[1]}),
    ):
        rest = events_in(fresh.get(path, params=query, headers=headers).content)
        assert [body for name, body in rest if name == "progress"] == bodies[2:]
    assert fresh.get(path, params={"after": "x"}).status_code == 400


def test_a_silent_stream_shows_that_it_is_still_there(
    fresh: TestClient, queued: tuple[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(runs, "SILENCE", 0.0)

    async def begin() -> list[bytes]:
        stream = told(fresh.app.state.service, queued[0], 0)
        return [await anext(stream) for _ in range(3)]

    opening, event, ping = asyncio.run(begin())
    assert opening == ping == runs.events.PING
    assert b"event: progress\nid: " in event
    assert EventParser().feed(ping) == []
