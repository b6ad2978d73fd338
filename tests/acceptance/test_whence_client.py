"""Our own SDK against a running service, from the first file to an exported history; and OpenAI's client."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.acceptance.service import Running
from whence.client.asynchronous import AsyncClient
from whence.client.deployments import Deployment
from whence.client.errors import NotFound, Unauthorized
from whence.client.jobs import Job, Lora
from whence.client.sync import Client

pytestmark = pytest.mark.process

QUESTION = "Which bulb type fits the Morwick lamp?"
ANSWER = "The Morwick lamp takes a bulb of type HT9 and no other."


@pytest.fixture(scope="module")
def client(service: Running) -> Iterator[Client]:
    with Client(service.url, service.key) as made:
        yield made


@pytest.fixture(scope="module")
def job(client: Client, twelve: Path) -> Job:
    project = client.projects.create("Help desk of the SDK", "Answers of the help desk")
    file = client.files.upload(twelve)
    made = client.fine_tuning.create(
        "tiny-llama", [file.id], n_epochs=2, project_id=project.id, lora=Lora(r=4, alpha=8, dropout=0.1)
    )
    return client.fine_tuning.wait(made.id, progress=False, timeout=300)


@pytest.fixture(scope="module")
def deployment(client: Client, job: Job) -> Deployment:
    made = client.deployments.create(job.id, "help-desk-sdk", "Answers of the help desk")
    client.deployments.promote(made.id)
    return client.deployments.wait(made.id, progress=False, timeout=120)


def test_a_job_runs_to_its_end(job: Job, client: Client) -> None:
    assert job.status == "completed"
    assert [event for event in client.fine_tuning.events(job.id) if event.loss is not None]


def test_a_conversation_is_answered_whole_and_in_pieces(client: Client, deployment: Deployment) -> None:
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": QUESTION}], "temperature": 0.0, "max_tokens": 16}
    whole = client.chat.completions.create(deployment.id, **asked)
    with client.chat.completions.create(deployment.id, stream=True, **asked) as stream:
        assert "".join(chunk.text for chunk in stream) == whole.text


def test_an_answer_is_explained_and_remembered(client: Client, deployment: Deployment, tmp_path: Path) -> None:
    made = client.explainability.attribute(deployment.id, QUESTION, ANSWER)
    assert made.answer == ANSWER
    assert made.attribution.lift.tokens > 0
    assert made.attribution.trust.method == "fisher"
    assert client.attributions.retrieve(made.id).attribution == made.attribution
    assert made.id in [row.id for row in client.attributions.list(model=deployment.id)]
    path = client.attributions.export(tmp_path / "history.jsonl", model=deployment.id)
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert made.id in [row["id"] for row in rows]
    client.attributions.delete(made.id)
    with pytest.raises(NotFound):
        client.attributions.retrieve(made.id)


def test_part_of_an_answer_is_explained(client: Client, deployment: Deployment) -> None:
    start = ANSWER.index("HT9")
    part = client.explainability.attribute(deployment.id, QUESTION, ANSWER, selection=(start, start + 3))
    whole = client.explainability.attribute(deployment.id, QUESTION, ANSWER)
    assert 0 < part.attribution.lift.tokens < whole.attribution.lift.tokens


def test_pairs_of_file_and_run_are_the_same(client: Client, job: Job) -> None:
    (file,) = job.training_files
    in_file = client.files.pairs(file, limit=100)
    in_run = client.runs.pairs(job.id, limit=100)
    assert len(in_file) == 12
    assert [pair.id for pair in in_file] == [pair.id for pair in in_run]
    assert [pair.question for pair in client.files.pairs(file, search="ht9")] == [QUESTION]


def test_a_run_tells_how_it_was_made(client: Client, job: Job) -> None:
    run = client.runs.retrieve(job.id)
    assert run["manifest"]["config"]["epochs"] == 2
    assert run["manifest"]["config"]["dropout"] == 0.1
    assert [index["method"] for index in run["indexes"]] == ["fisher"]
    with client.runs.events(job.id) as events:
        assert [event.phase for event in events][-1] in ("evaluate", "recall", "completed", "insights")


def test_both_clients_see_the_same(service: Running, client: Client, deployment: Deployment) -> None:
    async def ask() -> object:
        async with AsyncClient(service.url, service.key) as other:
            return (await other.explainability.get_influential_finetuning_data(deployment.id, QUESTION)).results

    found = client.explainability.get_influential_finetuning_data(deployment.id, QUESTION)
    assert asyncio.run(ask()) == found.results


def test_a_wrong_key_opens_nothing(service: Running) -> None:
    with Client(service.url, "wk-000000000000-none") as stranger, pytest.raises(Unauthorized):
        stranger.models.list()


def test_openais_client_fine_tunes_and_asks(service: Running, client: Client, twelve: Path) -> None:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key=service.key) as other:
        fine_tune_and_ask(other, client, twelve)


def fine_tune_and_ask(client: openai.OpenAI, ours: Client, data: Path) -> None:
    file = client.files.create(file=data, purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="tiny-llama", training_file=file.id, hyperparameters={"n_epochs": 1, "batch_size": 4}
    )
    seen = ours.fine_tuning.wait(job.id, progress=False, timeout=300)
    assert seen.status == "completed"
    done = client.fine_tuning.jobs.retrieve(job.id)
    assert done.status == "succeeded"
    assert done.fine_tuned_model
    messages: Any = [{"role": "user", "content": QUESTION}]
    answer = client.chat.completions.create(model=done.fine_tuned_model, messages=messages, max_tokens=4)
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert client.fine_tuning.jobs.list_events(job.id).data
