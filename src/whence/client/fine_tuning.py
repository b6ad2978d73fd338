"""Fine-tuning jobs."""

from collections.abc import Sequence

from whence.client.bars import Shown, shown
from whence.client.calls import Call, Steps, fresh_key, given, poll, segment
from whence.client.errors import JobFailed
from whence.client.jobs import Job, JobEvent, Lora
from whence.client.records import Page
from whence.client.resource import D_co, Method, Resource
from whence.types import Progress, Report

ROOT = "/v1/flow/fine-tunes"
LORA = Lora()


def create(
    model: str,
    training_files: Sequence[str],
    n_epochs: int | None = None,
    project_id: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    max_length: int | None = None,
    n_checkpoints: int | None = None,
    experiment_name: str | None = None,
    lora: Lora | None = LORA,
    full: bool = False,
) -> Call[Job]:
    """The new job, which trains `model` on files that were uploaded, given by their ids.

    What is None the server chooses, by the data. With `full`, or without `lora`, all weights are trained.
    """
    config = given(
        training_files=list(training_files),
        model=model,
        n_epochs=n_epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_length=max_length,
        n_checkpoints=n_checkpoints,
        experiment_name=experiment_name,
        lora_config=None if full or lora is None else lora.to_dict(),
    )
    body = given(project_id=project_id, training_config=config)
    return Call("POST", "/v1/flow/fine-tune", Job.of, body=body, key=fresh_key())


def listing() -> Call[Page[Job]]:
    """The jobs."""
    return Call("GET", ROOT, Page.of(Job.of))


def retrieve(id: str) -> Call[Job]:
    """The job with this id, as it is now."""
    return Call("GET", f"{ROOT}/{segment(id)}", Job.of)


def events(id: str) -> Call[Page[JobEvent]]:
    """The job's events so far, in order."""
    return Call("GET", f"{ROOT}/{segment(id)}/events", Page.of(JobEvent.of))


def cancel(id: str) -> Call[Job]:
    """The job, which ends as soon as it can."""
    return Call("PUT", f"{ROOT}/{segment(id)}/cancel", Job.of)


def resume(id: str) -> Call[Job]:
    """The job, which was cancelled or failed and goes on from its last checkpoint."""
    return Call("POST", f"/v1/whence/runs/{segment(id)}/resume", Job.of)


def promote(id: str) -> Call[Page[JobEvent]]:
    """The job's events, once its model can be asked."""
    return Call("GET", f"{ROOT}/{segment(id)}/promote-model", Page.of(JobEvent.of), query={"fine_tune_id": id})


def demote(id: str) -> Call[Page[JobEvent]]:
    """The job's events, once its model can no longer be asked."""
    return Call("GET", f"{ROOT}/{segment(id)}/demote-model", Page.of(JobEvent.of), query={"fine_tune_id": id})


def wait(id: str, progress: Shown = True, timeout: float | None = None) -> Steps[Job]:
    """The job, completed. `progress` draws a bar with phase, loss and time left, or tells a `Report`.

    Raises `JobFailed` where it ends otherwise, `TimedOut` after `timeout` seconds (None: never); then it goes on.
    """
    with shown(progress) as report:
        job = yield from poll(lambda: _look(id, report, bool(progress)), lambda job: job.over, timeout)
    if job.status != "completed":
        raise JobFailed(job.id, job.status, job.error_analysis)
    return job


def _look(id: str, report: Report, watched: bool) -> Steps[Job]:
    """The job as it is now, reported."""
    job = yield from retrieve(id)
    if watched:
        loss = (yield from _loss(id)) if job.status == "running" else None
        detail: dict[str, float] = given(loss=loss, seconds_left=job.seconds_left)
        report(Progress(job.now, round(100 * (job.progress or 0)), 100, "%", detail))
    return job


def _loss(id: str) -> Steps[float | None]:
    """The loss that was reported last."""
    told = yield from events(id)
    return next((event.loss for event in reversed(told.data) if event.loss is not None), None)


class FineTuning(Resource[D_co]):
    """`client.fine_tuning`."""

    create = Method(create)
    list = Method(listing)
    retrieve = Method(retrieve)
    events = Method(events)
    cancel = Method(cancel)
    resume = Method(resume)
    promote = Method(promote)
    demote = Method(demote)
    wait = Method(wait)
