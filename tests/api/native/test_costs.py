"""What a job would take, told by its route."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.api.conftest import BASE, Trained
from whence.platform.costs import SPEED
from whence.platform.events import add_event
from whence.platform.models import base_model
from whence.platform.tables import Event, Job
from whence.training.estimate import INDEX_FACTOR, TRAIN_FACTOR, parameters_of

ESTIMATE = "/v1/whence/estimate"


def uploaded(client: TestClient, count: int) -> str:
    lines = "".join(json.dumps({"question": "Q" * 40, "answer": "A" * 36 + str(1000 + n)}) + "\n" for n in range(count))
    return client.put("/v1/flow/files", files={"files": ("a.jsonl", lines)}, data={"purpose": "fine-tune"}).json()["id"]


def test_time_follows_tokens_epochs_and_an_assumed_speed(fresh: TestClient):
    body = {"files": [uploaded(fresh, 10), uploaded(fresh, 20)], "model": BASE, "epochs": 3}
    found = fresh.post(ESTIMATE, json=body).json()
    assert (found["tokens"], found["epochs"]) == (30 * (20 + 30), 3)
    weights = parameters_of(Path(base_model(BASE))).total
    assert found["train_seconds"] == pytest.approx(TRAIN_FACTOR * 4 * found["tokens"] * weights * 3 / SPEED)
    assert found["index_seconds"] == pytest.approx(INDEX_FACTOR * 18 * found["tokens"] * weights / SPEED)
    assert "no job has finished on this machine" in found["basis"]
    assert "Tokens from characters" in found["basis"]
    full = fresh.post(ESTIMATE, json={**body, "full": True}).json()
    assert full["train_seconds"] == pytest.approx(1.5 * found["train_seconds"])
    assert full["memory_bytes"] > found["memory_bytes"]
    assert fresh.get("/v1/flow/fine-tunes").json()["data"] == []


def test_a_larger_rank_takes_more_disk_and_what_is_left_out_follows_from_the_data(fresh: TestClient):
    body = {"files": [uploaded(fresh, 30)], "model": BASE}
    small, large = (fresh.post(ESTIMATE, json={**body, "rank": rank}).json() for rank in (1, 64))
    assert large["disk_bytes"] > small["disk_bytes"]
    assert small["epochs"] == 20


def test_a_model_that_is_not_here_is_guessed_by_its_download(fresh: TestClient):
    found = fresh.post(ESTIMATE, json={"files": [uploaded(fresh, 5)], "model": "smollm2-135m-instruct"}).json()
    assert found["train_seconds"] > 0
    assert found["disk_bytes"] > 10_000_000


def test_what_cannot_be_estimated_is_refused(fresh: TestClient):
    file = uploaded(fresh, 5)
    assert fresh.post(ESTIMATE, json={"files": ["file-none"], "model": BASE}).status_code == 404
    assert fresh.post(ESTIMATE, json={"files": [file], "model": "nobody"}).status_code == 400
    assert fresh.post(ESTIMATE, json={"files": [], "model": BASE}).status_code == 400


def test_the_speed_is_that_of_the_last_finished_job(client: TestClient, trained: Trained):
    database = client.app.state.service.database
    with database.session() as session:
        job = session.get_one(Job, trained.id)
        add_event(session, job.id, "index", "The index is being built.")
        began, job.started_at = job.started_at, job.completed_at - timedelta(seconds=100)
        session.flush()
        added = session.scalars(select(Event.id).where(Event.job_id == job.id).order_by(Event.id.desc()).limit(1)).one()
    found = client.post(ESTIMATE, json={"files": [trained.file_id], "model": BASE}).json()
    with database.session() as session:  # the job is other tests', too
        session.delete(session.get_one(Event, added))
        session.get_one(Job, trained.id).started_at = began
    assert "Speed measured on the last job" in found["basis"]
