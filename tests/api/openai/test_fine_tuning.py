"""Fine-tuning jobs, as OpenAI's client asks for them and watches them."""

import math
from typing import Any

import pytest
from openai import BadRequestError, ConflictError, NotFoundError, OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.api.conftest import BASE, LEARNED, Trained
from tests.api.openai.test_files import uploaded
from whence.api.service import Service
from whence.platform.events import add_event
from whence.platform.jobs import run_of
from whence.platform.models import EMBEDDING
from whence.platform.recipes import recipe_of
from whence.platform.tables import Job
from whence.store.artifact import part_of
from whence.training.recipe import Recipe
from whence.training.trace import read_checkpoints, read_steps


def started(official: OpenAI, **more: Any) -> FineTuningJob:
    return official.fine_tuning.jobs.create(**{"model": BASE, "training_file": uploaded(official), **more})


def row(service: Service, job_id: str) -> Job:
    with service.database.session() as session:
        return session.get_one(Job, job_id)


def test_a_job_without_wishes_has_the_usual_recipe(starting: OpenAI, inside: Service):
    file = uploaded(starting)
    job = starting.fine_tuning.jobs.create(model=BASE, training_file=file)
    assert (job.object, job.status, job.model, job.training_file) == ("fine_tuning.job", "validating_files", BASE, file)
    assert (job.fine_tuned_model, job.finished_at, job.error, job.result_files) == (None, None, None, [])
    assert job.hyperparameters.n_epochs == job.hyperparameters.batch_size == "auto"
    assert starting.fine_tuning.jobs.retrieve(job.id) == job
    kept = row(inside, job.id)
    assert Recipe(**recipe_of(kept.training_config)) == Recipe()
    assert kept.training_config["promote"] is True


WISHES: dict[str, Any] = {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 1}


@pytest.mark.parametrize(
    "asked",
    [
        {"hyperparameters": WISHES},
        {"method": {"type": "supervised", "supervised": {"hyperparameters": WISHES}}},
        {"method": {"type": "supervised"}, "hyperparameters": WISHES},
    ],
)
def test_wishes_reach_the_recipe(starting: OpenAI, inside: Service, asked: dict[str, Any]):
    job = started(starting, **asked, seed=7)
    assert Recipe(**recipe_of(row(inside, job.id).training_config)) == Recipe(epochs=2, batch_size=4, seed=7)
    assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size, job.seed) == (2, 4, 7)
    assert job.method
    assert job.method.supervised
    assert job.method.supervised.hyperparameters
    assert job.method.supervised.hyperparameters.n_epochs == 2


def test_auto_leaves_a_setting_open(starting: OpenAI, inside: Service):
    auto: Any = dict.fromkeys(WISHES, "auto")
    job = started(starting, hyperparameters=auto)
    assert Recipe(**recipe_of(row(inside, job.id).training_config)) == Recipe()


def test_metadata_and_the_suffix_are_kept(starting: OpenAI):
    job = started(starting, metadata={"ticket": "41"}, suffix="help-desk")
    found = starting.fine_tuning.jobs.retrieve(job.id)
    assert found.metadata == {"ticket": "41"}
    assert found.to_dict()["user_provided_suffix"] == "help-desk"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"hyperparameters": {"learning_rate_multiplier": 2}}, "learning_rate_multiplier must be 'auto' or 1"),
        ({"hyperparameters": {"n_epochs": 0}}, "n_epochs"),
        ({"method": {"type": "dpo"}}, r"method\.type must be 'supervised' \(found 'dpo'\)"),
        ({"validation_file": "file-1"}, "validation_file is not supported"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations is not supported"),
        ({"model": "gpt-4o-mini"}, "The base model must be one of"),
        ({"model": EMBEDDING}, "cannot be fine-tuned|The base model must be one of"),
        ({"training_file": "file-none"}, "No file 'file-none' exists"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_done_is_refused(starting: OpenAI, asked: dict[str, Any], message: str):
    with pytest.raises(BadRequestError, match=message):
        started(starting, **asked)
    assert not starting.fine_tuning.jobs.list().data


def test_a_request_that_comes_twice_makes_one_job(starting: OpenAI):
    asked: dict[str, Any] = {"training_file": uploaded(starting), "extra_headers": {"Idempotency-Key": "one"}}
    first, second = (starting.fine_tuning.jobs.create(model=BASE, **asked) for _ in range(2))
    assert first == second
    assert len(starting.fine_tuning.jobs.list().data) == 1


def test_a_list_is_read_page_by_page(starting: OpenAI):
    made = [started(starting).id for _ in range(3)]
    assert [job.id for job in starting.fine_tuning.jobs.list(limit=2).data] == made[:0:-1]
    assert [job.id for job in starting.fine_tuning.jobs.list(limit=2)] == made[::-1]


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("pending", "validating_files"),
        ("queued", "queued"),
        ("running", "running"),
        ("completed", "succeeded"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
    ],
)
def test_each_state_has_a_name(starting: OpenAI, inside: Service, own: str, told: str):
    job_id = started(starting).id
    with inside.database.session() as session:
        job = session.get_one(Job, job_id)
        job.status, job.error_analysis = own, "The disk was full." if own == "failed" else None
    found = starting.fine_tuning.jobs.retrieve(job_id)
    assert found.status == told
    assert found.fine_tuned_model == (job_id if own == "completed" else None)
    assert (found.error and found.error.message) == ("The disk was full." if own == "failed" else None)


def test_a_completed_job_names_its_model(official: OpenAI, trained: Trained):
    job = official.fine_tuning.jobs.retrieve(trained.id)
    assert (job.status, job.fine_tuned_model, job.training_file) == ("succeeded", trained.id, trained.file_id)
    assert job.finished_at
    assert job.finished_at >= job.created_at
    assert job.hyperparameters.n_epochs == LEARNED["n_epochs"]


def test_a_job_is_cancelled_once(starting: OpenAI, official: OpenAI, trained: Trained):
    job = starting.fine_tuning.jobs.cancel(started(starting).id)
    assert job.status == "cancelled"
    assert job.finished_at
    assert starting.fine_tuning.jobs.cancel(job.id) == job
    with pytest.raises(ConflictError, match="is already completed"):
        official.fine_tuning.jobs.cancel(trained.id)


def test_a_cancelled_job_is_resumed(starting: OpenAI, official: OpenAI, trained: Trained):
    job = starting.fine_tuning.jobs.cancel(started(starting).id)
    again = starting.fine_tuning.jobs.resume(job.id)
    assert (again.id, again.status, again.finished_at) == (job.id, "validating_files", None)
    with pytest.raises(ConflictError, match="is completed"):
        official.fine_tuning.jobs.resume(trained.id)


def test_events_come_the_newest_first(starting: OpenAI, inside: Service):
    job_id = started(starting).id
    with inside.database.session() as session:
        numbers = {"step": 3, "total_steps": 9, "loss": 1.5, "epoch": 0.5}
        add_event(session, job_id, "fine-tuning", "Fine-tuning: 3 of 9 steps", numbers=numbers)
        add_event(session, job_id, "disk", "The disk is full.", level="warning")
        add_event(session, job_id, "train", "It failed.", level="error")
    jobs = starting.fine_tuning.jobs
    found = list(jobs.list_events(job_id, limit=3))
    assert [event.message for event in found] == [
        "It failed.",
        "The disk is full.",
        "Fine-tuning: 3 of 9 steps",
        "The job was accepted: 1 pairs.",
    ]
    assert [event.level for event in found] == ["error", "warn", "info", "info"]
    assert {event.object for event in found} == {"fine_tuning.job.event"}
    assert (found[2].type, found[2].data) == (
        "metrics",
        {"step": 3, "total_steps": 9, "train_loss": 1.5, "epoch": 0.5},
    )
    assert (found[3].type, found[3].data) == ("message", {})
    first = jobs.list_events(job_id, limit=3)
    assert first.has_more
    assert list(jobs.list_events(job_id, after=first.data[-1].id)) == found[3:]


def test_checkpoints_are_the_points_of_the_trace(official: OpenAI, trained: Trained):
    trace = run_of(trained.id) / "trace"
    steps = [point.step for point in read_checkpoints(trace)][1:]  # training began at the first
    losses = {one["step"]: one["loss"] for one in read_steps(trace) if math.isfinite(one["loss"])}
    found = list(official.fine_tuning.jobs.checkpoints.list(trained.id, limit=3))
    assert [point.step_number for point in found] == steps[::-1]
    assert len(steps) == LEARNED["n_checkpoints"]
    for point in found:
        assert (point.object, point.fine_tuning_job_id) == ("fine_tuning.job.checkpoint", trained.id)
        assert point.metrics.step == point.step_number
        assert point.metrics.train_loss == losses[max(step for step in losses if step <= point.step_number)]
    assert found[0].fine_tuned_model_checkpoint == trained.id
    assert trained.id not in [point.fine_tuned_model_checkpoint for point in found[1:]]
    asked: Any = [{"role": "user", "content": trained.question}]
    with pytest.raises(NotFoundError):
        official.chat.completions.create(model=found[1].fine_tuned_model_checkpoint, messages=asked)


def test_checkpoints_of_a_running_job_are_there_as_they_come(starting: OpenAI):
    job_id = started(starting).id
    assert not starting.fine_tuning.jobs.checkpoints.list(job_id).data
    trace = part_of(run_of(job_id)) / "trace"
    for name in ("checkpoint-000000", "checkpoint-000018", "checkpoint-000036.part"):
        (trace / name).mkdir(parents=True)
    (point,) = starting.fine_tuning.jobs.checkpoints.list(job_id).data
    assert (point.step_number, point.metrics.train_loss) == (18, None)
    assert point.fine_tuned_model_checkpoint != job_id


def test_an_unknown_job_is_not_found(starting: OpenAI):
    jobs = starting.fine_tuning.jobs
    for call in (jobs.retrieve, jobs.cancel, jobs.list_events, jobs.checkpoints.list):
        with pytest.raises(NotFoundError, match="No fine-tuning job 'ft-none'"):
            call("ft-none")


def test_jobs_cannot_be_paused(starting: OpenAI):
    with pytest.raises(NotFoundError, match="No route POST") as error:
        starting.fine_tuning.jobs.pause("ft-1")
    assert error.value.type == "not_found_error"
