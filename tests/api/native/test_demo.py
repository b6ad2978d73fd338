"""The demo: started once, found again, replaced when it came to nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from tests.platform.attributions import result
from whence.data.sample import sample
from whence.platform.history import record
from whence.platform.jobs import move
from whence.platform.keys import default_team
from whence.platform.tables import now

DEMO = "/v1/whence/demo"


def test_there_is_none_before_it_is_started(fresh: TestClient):
    response = fresh.get(DEMO)
    assert response.status_code == 404
    assert "POST /v1/whence/demo" in response.json()["message"]


def test_it_is_the_shipped_file_and_a_job_with_the_recipe_of_the_command(fresh: TestClient):
    made = fresh.post(DEMO).json()
    assert (made["status"], made["deployment_id"]) == ("pending", None)
    assert fresh.get(f"/v1/flow/files/{made['file_id']}/content").text == sample("pairs.jsonl")
    file = fresh.get(f"/v1/flow/files/{made['file_id']}").json()
    assert (file["filename"], file["examples"]) == ("faq.jsonl", 154)
    job = fresh.get(f"/v1/flow/fine-tunes/{made['job_id']}").json()
    assert (job["model"], job["training_files"]) == ("smollm2-135m-instruct", [made["file_id"]])
    lora = {name: job["lora_config"][name] for name in ("r", "alpha", "dropout")}
    assert lora == {"r": 16, "alpha": 32, "dropout": 0.0}
    assert [job[name] for name in ("n_epochs", "batch_size", "learning_rate", "max_length")] == [None] * 4


def test_its_questions_say_what_to_look_for(fresh: TestClient):
    questions = fresh.post(DEMO).json()["questions"]
    assert [one["answer"] for one in questions] == [None] * 4
    told = "\n".join(one["about"] for one in questions)
    assert "line 61" in told
    assert "56, 90 and 131" in told


def test_asking_again_returns_the_same(fresh: TestClient):
    with ThreadPoolExecutor(4) as several:
        made = list(several.map(lambda _: fresh.post(DEMO).json(), range(4)))
    assert made[1:] == made[:1] * 3
    assert fresh.get(DEMO).json() == made[0]
    assert len(fresh.get("/v1/flow/files").json()["data"]) == 1
    assert len(fresh.get("/v1/flow/fine-tunes").json()["data"]) == 1


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_job_that_came_to_nothing_is_replaced(fresh: TestClient, status: str):
    first = fresh.post(DEMO).json()
    finish_loading(fresh, first["job_id"], status)
    assert fresh.get(DEMO).json()["status"] == status
    second = fresh.post(DEMO).json()
    assert second["job_id"] != first["job_id"]
    assert (second["file_id"], second["status"]) == (first["file_id"], "pending")
    assert fresh.get(DEMO).json() == second


def test_another_base_model_is_another_job_on_the_same_file(fresh: TestClient):
    first, second = fresh.post(DEMO).json(), fresh.post(DEMO, params={"model": "tiny-llama"}).json()
    assert first["job_id"] != second["job_id"]
    assert first["file_id"] == second["file_id"]
    assert fresh.post(DEMO, params={"model": "tiny-llama"}).json() == second
    assert fresh.post(DEMO, params={"model": "no-such-model"}).status_code == 400


def test_a_job_of_ones_own_on_the_same_pairs_is_not_the_demo(fresh: TestClient):
    files = {"files": ("faq.jsonl", sample("pairs.jsonl"))}
    file = fresh.put("/v1/flow/files", files=files, data={"purpose": "fine-tune"}).json()["id"]
    config = {"training_files": [file], "model": "tiny-llama", "n_epochs": 1}
    own = fresh.post("/v1/flow/fine-tune", json={"training_config": config}).json()["id"]
    assert fresh.get(DEMO).status_code == 404
    made = fresh.post(DEMO).json()
    assert (made["file_id"], made["job_id"] == own) == (file, False)


def test_it_knows_its_deployment_and_what_was_answered(fresh: TestClient):
    made = fresh.post(DEMO, params={"model": "tiny-llama"}).json()
    finish_loading(fresh, made["job_id"], "completed")
    body = {"model_type": "Fine-tuned Run", "model_id": made["job_id"], "name": "Demo", "description": "A demo."}
    deployment = fresh.post("/v1/flow/deployments", json={**body, "name": "The demo", "n_instances": 1}).json()
    question = made["questions"][1]["question"]
    with fresh.app.state.service.database.session() as session:
        for generated, answer in ((True, "181 centimetres."), (False, "I wrote this.")):
            kept = {**result(question=question), "generated": generated, "answer": answer}
            record(session, default_team(session), deployment["id"], made["job_id"], kept)
    found = fresh.get(DEMO).json()
    assert (found["deployment_id"], found["status"]) == (deployment["id"], "completed")
    assert [one["answer"] for one in found["questions"]] == [None, "181 centimetres.", None, None]


def test_without_its_file_it_is_gone(fresh: TestClient):
    made = fresh.post(DEMO).json()
    finish_loading(fresh, made["job_id"], "completed")
    assert fresh.delete(f"/v1/flow/files/{made['file_id']}").status_code == 200
    assert fresh.get(DEMO).status_code == 404
    assert fresh.post(DEMO).json()["file_id"] != made["file_id"]


def finish_loading(client: TestClient, job_id: str, status: str) -> None:
    with client.app.state.service.database.session() as session:
        assert move(session, job_id, ("pending",), status=status, completed_at=now())
