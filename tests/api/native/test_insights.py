"""What a run tells of its data, through its route, from what the worker's stage wrote."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import Trained, accepted
from tests.platform.attributions import pair, result
from whence.platform import jobs
from whence.platform.events import add_event
from whence.platform.history import record
from whence.platform.keys import default_team
from whence.platform.tables import Job, now
from whence.store.artifact import Manifest, make
from whence.types import silent
from whence.worker.messages import StageRequest
from whence.worker.stage_process import insights as stage


@pytest.fixture
def seen(trained: Trained) -> Trained:
    """The trained job, after the stage that looks through its data."""
    stage(StageRequest("insights", str(jobs.run_of(trained.id))), silent)
    return trained


def test_what_the_stage_found_is_told_with_its_pairs(client: TestClient, seen: Trained):
    asked = {"model": seen.id, "question": seen.question, "answer": seen.answer, "false_discovery_rate": 0.99}
    made = client.post("/v1/whence/attributions", json=asked).json()
    found = client.get(f"/v1/whence/runs/{seen.id}/insights").json()
    assert (found["state"], found["contradictions"], found["duplicates"]) == ("ready", [], [])
    listed = {one["id"]: one for one in client.get(f"/v1/whence/runs/{seen.id}/pairs").json()["data"]}
    assert found["suspects"]
    for one in found["suspects"]:
        assert one["pair"] == listed[one["pair"]["id"]]
        assert -1 <= one["agreement"] <= 1
        assert 0.9 <= one["percentile"] <= 1
    assert sum(one["size"] for one in found["topics"]) == 12
    assert sum(one["answered"] for one in found["topics"]) >= (1 if made["results"] else 0)
    assert {name for one in found["topics"] for name in one["files"]} == {"pairs.jsonl"}


def test_the_state_follows_the_job(fresh: TestClient, pairs: Path):
    service = fresh.app.state.service
    with service.database.session() as session:
        job, _ = accepted(session, service, pairs)

    def state(**values: object) -> str:
        with service.database.session() as session:
            for name, value in values.items():
                setattr(session.get_one(Job, job), name, value)
        return fresh.get(f"/v1/whence/runs/{job}/insights").json()["state"]

    assert state() == "computing"
    assert state(status="failed") == "absent"
    assert state(status="completed", completed_at=now()) == "computing"
    assert state(completed_at=now() - timedelta(hours=1)) == "absent"
    assert state(completed_at=now()) == "computing"
    with service.database.session() as session:
        add_event(session, job, "insights", "No.", level="error")
    assert state() == "absent"


def test_answers_without_a_pair_are_told_whatever_the_state(fresh: TestClient, pairs: Path):
    service = fresh.app.state.service
    with service.database.session() as session:
        job, _ = accepted(session, service, pairs)
        team = default_team(session)
        record(session, team, "m", job, result(pair(1)))
        kept = record(session, team, "m", job, result(question="Why is the sky blue?", total=1.0)).id
        for part in ({"selection": [0, 2]}, {"instead": "Another answer."}):
            record(session, team, "m", job, {**result(question="Why is the sky blue?", total=1.0), **part})
    (told,) = fresh.get(f"/v1/whence/runs/{job}/insights").json()["unsupported"]
    assert (told["attribution_id"], told["question"]) == (kept, "Why is the sky blue?")
    assert (told["lift"], told["needed"]) == (1.0, 3.0)
    assert told["sentence"]


def test_the_last_evaluation_is_told_in_short_with_its_page(fresh: TestClient, pairs: Path):
    service = fresh.app.state.service
    with service.database.session() as session:
        job, _ = accepted(session, service, pairs)
    path = f"/v1/whence/runs/{job}"
    assert fresh.get(f"{path}/insights").json()["evaluation"] is None
    assert fresh.get(f"{path}/evaluation").status_code == 409
    for number, mean in ((2, 0.7), (10, 0.5)):
        score = {"mean": mean, "over_questions": 0.03, "over_retrainings": 0.04, "questions": 2}
        method = {"name": "fisher", "lds": {"overall": score}}
        told = {"evaluation": {"retrainings": 24, "questions": [{}, {}], "methods": [method]}}

        def work(part: Path, told: object = told, mean: float = mean) -> dict[str, int]:
            (part / "report.json").write_text(json.dumps(told))
            (part / "report.html").write_text(f"<p>{mean}</p>")
            return {}

        make(jobs.run_of(job) / "evaluation" / f"report-{number}", Manifest("evaluation", {"n": number}, {}), work)
    found = fresh.get(f"{path}/insights").json()["evaluation"]
    score = found["methods"][0]
    assert (score["name"], score["lds"], score["standard_error"]) == ("fisher", 0.5, pytest.approx(0.05))
    assert (found["report"], found["retrainings"], found["questions"]) == ("report-10", 24, 2)
    assert fresh.get(found["html"]).text == "<p>0.5</p>"
