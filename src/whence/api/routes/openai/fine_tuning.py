"""Fine-tuning jobs: asked for, watched, cancelled, resumed. A completed one answers at once under its own id."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from whence.api.auth import Open, Team
from whence.api.idempotency import IdempotencyKey, once
from whence.api.routes.openai.checkpoints import Point, points_of
from whence.api.routes.seekrflow.fine_tuning import start
from whence.api.schemas.openai import (
    Hyperparameters,
    JobError,
    Listing,
    NewJob,
    OpenAIJob,
    OpenAIJobCheckpoint,
    OpenAIJobEvent,
)
from whence.api.schemas.seekrflow import LoRA, NewFineTune, TrainingConfig
from whence.errors import DataError
from whence.platform import jobs
from whence.platform.events import events_of
from whence.platform.tables import Event, Job

router = APIRouter(prefix="/fine_tuning/jobs", tags=["OpenAI: fine-tuning"])
Status = Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
STATUS: dict[str, Status] = {
    "pending": "validating_files",
    "queued": "queued",
    "running": "running",
    "completed": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}
LEVELS: dict[str, Literal["info", "warn", "error"]] = {"info": "info", "warning": "warn", "error": "error"}
ADAPTER = LoRA(r=16, alpha=32, dropout=0.0)
"""The adapter of a recipe that nobody changed."""
Limit = Annotated[int, Query(ge=1, le=1000)]


def answer(job: Job) -> OpenAIJob:
    """A job as an answer."""
    config = job.training_config
    numbers = {name: config.get(name, "auto") for name in ("n_epochs", "batch_size")}
    shaped = {**numbers, "learning_rate_multiplier": "auto"}
    failed = JobError(code="training_failed", message=job.error_analysis or "") if job.status == "failed" else None
    return OpenAIJob(
        id=job.id,
        created_at=int(job.created_at.timestamp()),
        finished_at=seconds(job.completed_at),
        model=job.model,
        fine_tuned_model=job.id if job.status == "completed" else None,
        organization_id=str(job.team_id),
        status=STATUS[job.status],
        hyperparameters=shaped,
        method={"type": "supervised", "supervised": {"hyperparameters": shaped}},
        training_file=config["training_files"][0],
        error=failed,
        seed=config.get("seed", 0),
        user_provided_suffix=config.get("experiment_name"),
        metadata=config.get("metadata"),
    )


def seconds(moment: datetime | None) -> int | None:
    """A moment in seconds since 1970."""
    return int(moment.timestamp()) if moment else None


def asked(body: NewJob) -> NewFineTune:
    """A request in the words that the jobs are kept in.

    Raises:
        DataError: something is asked for that cannot be done.
    """
    shaped = hyperparameters(body)
    numbers = {name: getattr(shaped, name) for name in ("n_epochs", "batch_size") if getattr(shaped, name) != "auto"}
    extras: dict[str, Any] = {"promote": True, "metadata": body.metadata}
    config = TrainingConfig(
        training_files=[body.training_file],
        model=body.model,
        lora_config=ADAPTER,
        experiment_name=body.suffix,
        seed=body.seed,
        **numbers,
        **extras,
    )
    return NewFineTune(training_config=config)


def hyperparameters(body: NewJob) -> Hyperparameters:
    """Those of the method where it has any, else those beside it.

    Raises:
        DataError: something is asked for that cannot be done.
    """
    if body.method is not None and body.method.type != "supervised":
        raise DataError(
            f"method.type must be 'supervised' (found {body.method.type[:40]!r}): "
            "Whence fine-tunes on question/answer pairs."
        )
    for name in ("validation_file", "integrations"):
        if getattr(body, name):
            raise DataError(f"{name} is not supported. Leave it out.")
    inner = body.method.supervised.hyperparameters if body.method and body.method.supervised else None
    chosen = inner or body.hyperparameters or Hyperparameters()
    if chosen.learning_rate_multiplier not in ("auto", 1):
        raise DataError(
            f"learning_rate_multiplier must be 'auto' or 1 (found {chosen.learning_rate_multiplier}): "
            "the learning rate follows from the data. Change n_epochs or batch_size instead."
        )
    return chosen


def event(made: Event) -> OpenAIJobEvent:
    """An event as an answer."""
    numbers = {"step": made.step, "total_steps": made.total_steps, "epoch": made.epoch, "train_loss": made.loss}
    return OpenAIJobEvent(
        id=f"ftevent-{made.id}",
        created_at=int(made.created_at.timestamp()),
        level=LEVELS[made.level],
        message=made.message,
        type="message" if made.loss is None else "metrics",
        data={name: number for name, number in numbers.items() if number is not None},
    )


def checkpoint(job: Job, point: Point, last: bool) -> OpenAIJobCheckpoint:
    """A point as an answer."""
    model = job.id if last and job.status == "completed" else f"{job.id}:step-{point.step}"
    return OpenAIJobCheckpoint(
        id=f"ftckpt-{job.id}-{point.step}",
        created_at=int(point.written),
        fine_tuning_job_id=job.id,
        fine_tuned_model_checkpoint=model,
        step_number=point.step,
        metrics={"step": point.step, "train_loss": point.loss},
    )


@router.post("", summary="Fine-tune a model", operation_id="openai_create_job")
def create(body: NewJob, team: Team, service: Open, key: IdempotencyKey = None) -> OpenAIJob:
    """The accepted job."""
    wanted = asked(body)
    with service.database.session() as session:
        made = once(session, team, key, lambda: start(session, team, wanted).id)
        return answer(jobs.get_job(session, team, made))


@router.get("", summary="List fine-tuning jobs", operation_id="openai_list_jobs")
def listed(team: Team, service: Open, after: str | None = None, limit: Limit = 20) -> Listing[OpenAIJob]:
    """The jobs, the newest first."""
    with service.database.session() as session:
        found = [answer(job) for job in jobs.list_jobs(session, team)]
    return Listing[OpenAIJob].page(found, after, limit)


@router.get("/{job_id}", summary="Retrieve a fine-tuning job", operation_id="openai_retrieve_job")
def retrieve(job_id: str, team: Team, service: Open) -> OpenAIJob:
    """The job as it stands."""
    with service.database.session() as session:
        return answer(jobs.get_job(session, team, job_id))


@router.post("/{job_id}/cancel", summary="Cancel a job", operation_id="openai_cancel_job")
def cancel(job_id: str, team: Team, service: Open) -> OpenAIJob:
    """The cancelled job."""
    with service.database.session() as session:
        return answer(jobs.cancel_job(session, team, job_id))


@router.post("/{job_id}/resume", summary="Resume a cancelled or failed job", operation_id="openai_resume_job")
def resume(job_id: str, team: Team, service: Open) -> OpenAIJob:
    """The job, waiting once more; it goes on from its last checkpoint."""
    with service.database.session() as session:
        return answer(jobs.resume_job(session, team, job_id))


@router.get("/{job_id}/events", summary="List what happened to a job", operation_id="openai_list_job_events")
def events(
    job_id: str, team: Team, service: Open, after: str | None = None, limit: Limit = 20
) -> Listing[OpenAIJobEvent]:
    """The events, the newest first."""
    with service.database.session() as session:
        jobs.get_job(session, team, job_id)
        found = [event(made) for made in reversed(events_of(session, job_id))]
    return Listing[OpenAIJobEvent].page(found, after, limit)


@router.get("/{job_id}/checkpoints", summary="List a job's checkpoints", operation_id="openai_list_job_checkpoints")
def checkpoints(
    job_id: str, team: Team, service: Open, after: str | None = None, limit: Limit = 10
) -> Listing[OpenAIJobCheckpoint]:
    """The recorded points of the training, the newest first."""
    with service.database.session() as session:
        job = jobs.get_job(session, team, job_id)
    found = points_of(job_id)[::-1]
    return Listing[OpenAIJobCheckpoint].page(
        [checkpoint(job, point, last=point is found[0]) for point in found], after, limit
    )
