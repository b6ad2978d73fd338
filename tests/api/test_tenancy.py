"""Two teams on one service: neither reads, changes or guesses what is the other's. Every documented route is walked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.acceptance.service import Running, start, stop
from tests.api.conftest import BASE, Trained, accepted
from tests.api.existing import ASK, PAIR, Existing
from tests.platform.attributions import pair
from whence.api.app import include
from whence.api.service import Service
from whence.platform import jobs
from whence.platform.history import record
from whence.platform.keys import create_key, default_team, revoke_key, team_of
from whence.platform.tables import now
from whence.types import Attribution, Lift, Trust

OPEN = ("/healthz", "/readyz", "/metrics")
SECRET = "a-question-that-nobody-else-may-read"
PAIR_ID = "pair-1"
FOUND = Attribution(
    question=SECRET,
    answer="Ant.",
    method="fisher",
    unit="nats",
    results=(pair(1),),
    opposing=(),
    lift=Lift(1.0, 0.5, 4, 2.0),
    trust=Trust("fisher", 0.02, 16, 4),
)


def operations() -> list[tuple[str, str]]:
    app = FastAPI()
    include(app)
    found: dict[str, Any] = app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in found.items() for method in methods]


OPERATIONS = [one for one in operations() if one[1] not in OPEN]
NAMED = [(method, path) for method, path in OPERATIONS if "{" in path]
LISTS = [path for method, path in OPERATIONS if method == "GET" and "{" not in path]
BODIES = {
    "rename": {"json": {"new_filename": "other.jsonl"}},
    "revisions": {"json": {"add": [{"question": "Who?", "answer": "Bee."}]}},
}
"""What a route needs besides an id, by the last part of its path."""


@dataclass(frozen=True)
class Two:
    """One service and the keys of its two teams; all that `mine` names belongs to the first."""

    client: TestClient
    service: Service
    mine: Existing
    team: int
    others: Mapping[str, str]

    def id_for(self, parameter: str) -> str:
        if parameter == "pair_id":
            self.attribution()
            return PAIR_ID
        return self.attribution() if parameter == "attribution_id" else self.mine.id_for(parameter)

    def attribution(self) -> str:
        result = {**FOUND.to_dict(), "sentence": FOUND.sentence, "phases": {}, "system_prompt": None}
        with self.service.database.session() as session:
            return record(session, self.team, self.mine.trained.id, self.mine.trained.id, result).id

    def ask(self, method: str, path: str, headers: Mapping[str, Any]) -> Any:
        more: dict[str, Any] = BODIES.get(path.rpartition("/")[2], {})
        other = next((part for part in path.split("/") if part.startswith("attribution-")), "none")
        asked = {"question": "Who?", "other": other}
        return self.client.request(method, path, params=asked, headers=dict(headers), **more)


@pytest.fixture
def two(fresh: TestClient, pairs: Path) -> Two:
    """The first team has a job that is completed, so far as the database knows."""
    service: Service = fresh.app.state.service  # type: ignore[attr-defined]
    with service.database.session() as session:
        keys = [create_key(session, team).key for team in ("default", "others")]
        team = default_team(session)
        assert team_of(session, keys[1]) != team
        job_id, file_id = accepted(session, service, pairs)
        jobs.move(session, job_id, ("pending",), status="completed", completed_at=now(), inference_available=True)
    first, second = ({"Authorization": f"Bearer {key}"} for key in keys)
    mine = Existing(fresh, Trained(job_id, file_id, "Who?", "Ant."), first)
    return Two(fresh, service, mine, team, second)


def test_an_id_of_another_team_names_nothing(two: Two) -> None:
    wrong: list[object] = []
    for method, path in NAMED:
        (parameter,) = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        there = path.replace(f"{{{parameter}}}", two.id_for(parameter))
        refused, granted = two.ask(method, there, two.others), two.ask(method, there, two.mine.headers)
        if refused.status_code != 404 or SECRET in refused.text or granted.status_code in (401, 403, 404):
            wrong.append((method, path, refused.text, granted.text))
    assert wrong == []


def test_once_a_key_exists_nothing_is_answered_without_one(two: Two) -> None:
    keys = ("Bearer", "Bearer wk-", "wk-a-b", "Bearer wk-0123456789ab-" + "x" * 43, "Basic dTpw", b"\xff")
    for method, path in OPERATIONS:
        there = path.replace("{", "").replace("}", "")
        statuses = {key: two.ask(method, there, {"Authorization": key}).status_code for key in keys}
        statuses[None] = two.ask(method, there, {}).status_code
        assert set(statuses.values()) == {401}, (method, path, statuses)


def test_lists_show_what_is_ones_own_only(two: Two) -> None:
    names = ("project_id", "file_id", "job_id", "deployment_id", "attribution_id")
    ids = {name: two.id_for(name) for name in names}
    ids["project_id"] = '"A project"'
    own = "".join(two.ask("GET", path, two.mine.headers).text for path in LISTS)
    assert [name for name, value in ids.items() if value not in own] == []
    for path in LISTS:
        shown = two.ask("GET", path, two.others).text
        assert [value for value in ids.values() if value in shown] == [], path
        assert SECRET not in shown


def test_nothing_of_another_team_can_be_used(two: Two) -> None:
    """Where an id stands in a body it names nothing either, and the answer does not tell that it exists."""
    file, job, project = two.mine.file(), two.mine.job(), int(two.mine.project())
    said = [{"role": "user", "content": "Who?"}]
    training = {"model": BASE, "training_files": [file]}
    deployment = {"name": "A deployment", "description": "For a test.", "n_instances": 1}
    grounds = {"context": "A.", "query": "B?", "response": "C."}
    asked = [
        ("/v1/flow/fine-tunes", {"training_config": training}, 400),
        ("/v1/flow/fine-tunes", {"training_config": training, "project_id": project}, 404),
        ("/v1/flow/deployments", {"model_type": "Fine-tuned Run", "model_id": job, **deployment}, 400),
        ("/v1/inference/chat/completions", {"model": job, "messages": said}, 404),
        ("/v1/chat/completions", {"model": job, "messages": said}, 404),
        ("/v1/fine_tuning/jobs", {"model": BASE, "training_file": file}, 400),
        ("/v1/whence/attributions", {"model": job, "question": "Who?"}, 404),
        (
            "/v1/explainability/context-attributor",
            {"model": job, **grounds},
            404,
        ),
    ]
    for path, body, status in asked:
        response = two.client.post(path, json=body, headers=dict(two.others))
        assert (response.status_code, path) == (status, path), response.text


def test_an_idempotency_key_is_the_teams_own(two: Two) -> None:
    deployment = {"model_type": "Base Model", "model_id": BASE, "name": "A name", "description": "For a test."}
    ids = [
        two.client.post(
            "/v1/flow/deployments",
            json={**deployment, "n_instances": 1},
            headers={**headers, "Idempotency-Key": "the same"},
        ).json()["id"]
        for headers in (two.mine.headers, two.others, two.mine.headers)
    ]
    assert ids[0] == ids[2] != ids[1]


def test_a_revoked_key_opens_nothing_and_the_last_one_does_not_open_the_service(two: Two) -> None:
    with two.service.database.session() as session:
        for headers in (two.mine.headers, two.others):
            revoke_key(session, headers["Authorization"].split("-")[1])
    for headers in (dict(two.mine.headers), dict(two.others), {}):
        assert two.client.get("/v1/flow/files", headers=headers).status_code == 401


@pytest.fixture
def running(tmp_path: Path, tiny_base: Path) -> Iterator[Running]:
    """The service as a process of its own."""
    found = start(tmp_path / "home", {"WHENCE_BASE_MODELS": str(tiny_base)}, tmp_path / "log")
    yield found
    stop(found)


def test_neither_keys_nor_questions_are_logged(running: Running, tmp_path: Path) -> None:
    """Nor parts of bodies; the query of the attribution route holds answers."""
    wrong = "wk-0123456789ab-" + "z" * 43
    chat = {"model": BASE, "max_tokens": 2, "messages": [{"role": "user", "content": SECRET}]}
    with httpx.Client(base_url=running.url, timeout=60) as client:
        for key in (running.key, wrong):
            client.headers["Authorization"] = f"Bearer {key}"
            for path in (ASK.format("ft-none"), ASK.format(BASE), "/v1/flow/files", "/nowhere"):
                client.get(path, params={"question": SECRET, "answer": SECRET})
            client.post("/v1/inference/chat/completions", json=chat)
            client.post("/v1/inference/chat/completions", json={**chat, "temperature": SECRET})
            client.put("/v1/flow/files", files={"files": (f"{SECRET}.txt", PAIR)}, data={"purpose": "fine-tune"})
    log = (tmp_path / "log").read_text()
    assert log.count('"path": "/v1/inference/chat/completions"') == 4
    for secret in (running.key, running.key.split("-", 2)[2], wrong, "z" * 43, SECRET):
        assert secret not in log
