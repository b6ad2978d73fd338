"""Deployments: models that answer. Which engine answers under which name is decided here."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from whence.engine.pool import Target
from whence.errors import DataError, MissingError
from whence.platform.jobs import get_job, run_of
from whence.platform.models import base_model, find_model
from whence.platform.tables import Deployment, Job, now

TUNED, BASE = "Fine-tuned Run", "Base Model"
ANSWERING = ("Active", "Pending")
"""States in which a deployment answers: one that is still being loaded lets its callers wait."""


@dataclass(frozen=True)
class ServedModel:
    """The model that answers under a name: its engine, and its run (None: the base model itself).

    `model` is what the model is called wherever it is served: the id of its job, or the base model's.
    """

    target: Target
    model: str
    run: str | None = None
    job_id: str | None = None
    deployment_id: str | None = None


def create_deployment(
    session: Session, team: int, model_type: str, model_id: str, name: str, description: str, n_instances: int
) -> Deployment:
    """Create a deployment, inactive until it is promoted.

    Raises:
        DataError: there is no such model, or its job is not completed.
    """
    if model_type == BASE:
        base_model(model_id)
    else:
        _require_completed(session, team, model_id)
    deployment = Deployment(
        team_id=team,
        model_type=model_type,
        model_id=model_id,
        name=name,
        description=description,
        n_instances=n_instances,
    )
    session.add(deployment)
    session.flush()
    return deployment


def _require_completed(session: Session, team: int, job_id: str) -> None:
    try:
        job = get_job(session, team, job_id)
    except MissingError as error:
        raise DataError(f"{error} Give the id of a completed job as model_id.") from error
    if job.status != "completed":
        raise DataError(f"Only a completed job can be deployed: {job_id} is {job.status}. Wait until it is completed.")


def get_deployment(session: Session, team: int, identity: str) -> Deployment:
    """A deployment of the team.

    Raises:
        MissingError: it has none of that id.
    """
    deployment = session.get(Deployment, identity)
    if deployment is None or deployment.team_id != team:
        raise MissingError(f"No deployment {identity!r} exists for your user.")
    return deployment


def list_deployments(session: Session, team: int, skip: int, limit: int) -> list[Deployment]:
    """The team's deployments, the newest first."""
    wanted = select(Deployment).where(Deployment.team_id == team)
    wanted = wanted.order_by(Deployment.created_at.desc(), Deployment.id).offset(skip).limit(limit)
    return list(session.scalars(wanted))


def promote(session: Session, team: int, identity: str) -> Deployment:
    """The deployment, on its way to being active."""
    deployment = get_deployment(session, team, identity)
    if deployment.status != "Active":
        deployment.status, deployment.failure, deployment.last_deployed_at = "Pending", None, now()
        session.flush()
    return deployment


def demote(session: Session, team: int, identity: str) -> Deployment:
    """The deployment, which answers no longer."""
    deployment = get_deployment(session, team, identity)
    deployment.status = "Inactive"
    session.flush()
    return deployment


def finish_loading(session: Session, identity: str, failure: str | None) -> None:
    """Note that a pending deployment's model is in memory, or why it is not."""
    values = {"status": "Failed" if failure else "Active", "failure": failure}
    session.execute(
        update(Deployment).where(Deployment.id == identity, Deployment.status == "Pending").values(**values)
    )


def pending(session: Session) -> list[Deployment]:
    """Every team's deployments that are still on their way."""
    return list(session.scalars(select(Deployment).where(Deployment.status == "Pending")))


def count_tokens(session: Session, identity: str, prompt: int, completion: int) -> None:
    """Add what an answer took to a deployment's counters."""
    session.execute(
        update(Deployment)
        .where(Deployment.id == identity)
        .values(
            total_input_tokens=Deployment.total_input_tokens + prompt,
            total_output_tokens=Deployment.total_output_tokens + completion,
            updated_at=Deployment.updated_at,
        )
    )


def served_model(session: Session, team: int, name: str) -> ServedModel:
    """Return the model that answers under a name: that of a deployment, of a promoted job, or a base model.

    Raises:
        MissingError: nobody does.
    """
    deployment = session.get(Deployment, name)
    if deployment is not None and deployment.team_id == team and deployment.status in ANSWERING:
        return model_of_deployment(session, deployment)
    job = session.get(Job, name)
    if job is not None and job.team_id == team and job.deleted_at is None and job.inference_available:
        return _speaker_of_job(job)
    offer = find_model(name)
    if offer is not None and offer.kind == "chat":
        return ServedModel(Target("base", offer.place), offer.id)
    raise MissingError(f"No deployed model '{name}' exists for your user.")


def job_named(session: Session, team: int, name: str) -> Job:
    """The job whose model has that name, that of a job or a deployment, whether it answers or not.

    Raises:
        MissingError: the team has no such job, or it is deleted.
    """
    deployment = session.get(Deployment, name)
    if deployment is None or deployment.team_id != team or deployment.model_type != TUNED:
        return get_job(session, team, name)
    return get_job(session, team, deployment.model_id)


def model_of_deployment(session: Session, deployment: Deployment) -> ServedModel:
    """Return the model of a deployment in any state."""
    if deployment.model_type == BASE:
        target = Target("base", base_model(deployment.model_id))
        return ServedModel(target, deployment.model_id, deployment_id=deployment.id)
    return _speaker_of_job(session.get_one(Job, deployment.model_id), deployment.id)


def _speaker_of_job(job: Job, deployment_id: str | None = None) -> ServedModel:
    run = str(run_of(job.id))
    whole = job.training_config.get("lora_config") is None
    target = Target("run", run) if whole else Target("base", base_model(job.model))
    return ServedModel(target, job.id, run, job.id, deployment_id)
