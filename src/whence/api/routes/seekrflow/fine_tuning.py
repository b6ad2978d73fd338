"""Fine-tuning jobs: asked for, watched, cancelled, promoted."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from whence.api.auth import Open, Team
from whence.api.idempotency import IdempotencyKey, once
from whence.api.schemas.seekrflow import FineTune, FineTuneEvent, FineTuneEvents, FineTuneList, NewFineTune, ProjectId
from whence.errors import DataError
from whence.platform import jobs
from whence.platform.events import events_of
from whence.platform.models import base_model, find_model
from whence.platform.projects import get_project
from whence.platform.recipes import recipe_of
from whence.platform.tables import Event, Job

router = APIRouter(prefix="/flow", tags=["Fine-tuning"])
CONFIGURED = (
    "training_files", "n_epochs", "batch_size", "learning_rate", "lora_config", "max_length", "n_checkpoints",
    "experiment_name",
)  # fmt: skip


def fields_of(session: Session, job: Job) -> dict[str, Any]:
    """A job as its answer has it."""
    names = (
        "id", "model", "created_at", "status", "deleted_at", "inference_available", "project_id", "completed_at",
        "error_analysis", "phase", "progress", "seconds_left", "evaluation",
    )  # fmt: skip
    own = {name: getattr(job, name) for name in names}
    asked = {name: job.training_config.get(name) for name in CONFIGURED}
    return {**asked, **job.infrastructure, **own, "fine_tune_type": "STANDARD", "place": jobs.place_of(session, job)}


def answer(session: Session, job: Job) -> FineTune:
    """A job as an answer."""
    return FineTune(**fields_of(session, job))


def event(made: Event) -> FineTuneEvent:
    """An event as an answer."""
    names = ("id", "created_at", "loss", "epoch", "step", "total_steps", "phase", "message", "level", "seconds_left")
    return FineTuneEvent(**{name: getattr(made, name) for name in names})


def start(session: Session, team: int, body: NewFineTune) -> Job:
    """The new job of a request.

    Raises:
        DataError: something is asked for that cannot be done.
        MissingError: there is no such project.
    """
    config = body.training_config.model_dump(exclude_none=True)
    base_model(config["model"])
    offer = find_model(config["model"])
    if offer is not None and offer.kind != "chat":
        raise DataError(f"{config['model']} cannot be fine-tuned: it makes {offer.kind} vectors. Choose a chat model.")
    recipe_of(config)
    if body.project_id is not None:
        get_project(session, team, body.project_id)
    infrastructure = body.infrastructure_config.model_dump(include={"accel_type", "n_accel", "n_node"})
    return jobs.create_job(session, team, config["model"], config, infrastructure, body.project_id)


@router.post("/fine-tune", summary="Fine-tune a model", operation_id="create_fine_tune")
@router.post(
    "/fine-tunes", summary="Fine-tune a model (the asynchronous client's path)", operation_id="create_fine_tunes"
)
def create(body: NewFineTune, team: Team, service: Open, key: IdempotencyKey = None) -> FineTune:
    """The accepted job."""
    with service.database.session() as session:
        made = once(session, team, key, lambda: start(session, team, body).id)
        return answer(session, jobs.get_job(session, team, made))


@router.get("/fine-tunes", summary="List fine-tuning jobs", operation_id="list_fine_tunes")
def listed(team: Team, service: Open, project_id: Annotated[ProjectId | None, Query()] = None) -> FineTuneList:
    """The jobs, the newest first."""
    with service.database.session() as session:
        return FineTuneList(data=[answer(session, job) for job in jobs.list_jobs(session, team, project_id)])


@router.get("/fine-tunes/{job_id}", summary="Retrieve a fine-tuning job", operation_id="retrieve_fine_tune")
def retrieve(job_id: str, team: Team, service: Open) -> FineTune:
    """The job as it stands."""
    with service.database.session() as session:
        return answer(session, jobs.get_job(session, team, job_id))


@router.get("/fine-tunes/{job_id}/events", summary="List what happened to a job", operation_id="list_fine_tune_events")
def events(job_id: str, team: Team, service: Open) -> FineTuneEvents:
    """The events in order."""
    with service.database.session() as session:
        jobs.get_job(session, team, job_id)
        return FineTuneEvents(data=[event(made) for made in events_of(session, job_id)])


@router.put("/fine-tunes/{job_id}/cancel", summary="Cancel a job", operation_id="cancel_fine_tune")
@router.post(
    "/fine-tunes/{job_id}/cancel",
    summary="Cancel a job (the asynchronous client's way)",
    operation_id="cancel_fine_tunes",
)
def cancel(job_id: str, team: Team, service: Open) -> FineTune:
    """The cancelled job."""
    with service.database.session() as session:
        return answer(session, jobs.cancel_job(session, team, job_id))


@router.get("/fine-tunes/{job_id}/promote-model", summary="Let a job's model answer", operation_id="promote_fine_tune")
def promote(job_id: str, team: Team, service: Open) -> FineTuneEvents:
    """The job's events; its model answers under the id of the job from now on."""
    return _offered(service, team, job_id, True)


@router.get(
    "/fine-tunes/{job_id}/demote-model", summary="Let a job's model answer no longer", operation_id="demote_fine_tune"
)
def demote(job_id: str, team: Team, service: Open) -> FineTuneEvents:
    """The job's events; its model answers no longer."""
    return _offered(service, team, job_id, False)


def _offered(service: Open, team: int, job_id: str, available: bool) -> FineTuneEvents:
    with service.database.session() as session:
        jobs.offer(session, team, job_id, available)
        session.flush()
        return FineTuneEvents(data=[event(made) for made in events_of(session, job_id)])
