"""The models that can be asked: base models, the encoder, fine-tuned jobs and deployments."""

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.orm import Session

from whence.api.auth import Open, Team
from whence.api.schemas.openai import OpenAIModel, OpenAIModelDeleted, OpenAIModels
from whence.errors import DataError, MissingError
from whence.platform import jobs
from whence.platform.deployments import ANSWERING
from whence.platform.models import find_model, offered_models
from whence.platform.tables import Deployment, Job
from whence.platform.tables import Team as TeamRow

router = APIRouter(prefix="/models", tags=["OpenAI: models"])
SYSTEM = "system"
"""Whose the base models are."""


def base(identity: str) -> OpenAIModel:
    """A base model or the encoder as an answer."""
    return OpenAIModel(id=identity, created=0, owned_by=SYSTEM)


def own(session: Session, team: int) -> list[OpenAIModel]:
    """The team's models that answer, the newest first: deployments, then completed jobs."""
    deployments = select(Deployment).where(Deployment.team_id == team, Deployment.status.in_(ANSWERING))
    newest = session.scalars(deployments.order_by(Deployment.created_at.desc(), Deployment.id))
    found = [*newest, *(job for job in jobs.list_jobs(session, team) if job.inference_available)]
    owner = session.get_one(TeamRow, team).name
    return [OpenAIModel(id=one.id, created=int(one.created_at.timestamp()), owned_by=owner) for one in found]


def named(session: Session, team: int, name: str) -> OpenAIModel:
    """The model of that name.

    Raises:
        MissingError: none answers under it.
    """
    for model in own(session, team):
        if model.id == name:
            return model
    if (offer := find_model(name)) is not None:
        return base(offer.id)
    raise MissingError(f"No model {name!r} exists for your user. List them with GET /v1/models.")


@router.get("", summary="List the models that can be asked", operation_id="openai_list_models")
def listed(team: Team, service: Open) -> OpenAIModels:
    """The team's models, then the base models."""
    with service.database.session() as session:
        return OpenAIModels(data=[*own(session, team), *(base(offer.id) for offer in offered_models())])


@router.get("/{model_id:path}", summary="Retrieve a model", operation_id="openai_retrieve_model")
def retrieve(model_id: str, team: Team, service: Open) -> OpenAIModel:
    """The model of that name."""
    with service.database.session() as session:
        return named(session, team, model_id)


@router.delete("/{model_id:path}", summary="Stop a fine-tuned model from answering", operation_id="openai_delete_model")
def delete(model_id: str, team: Team, service: Open) -> OpenAIModelDeleted:
    """Confirm that the model no longer answers. The job and its traces are kept, and it can be promoted again."""
    with service.database.session() as session:
        named(session, team, model_id)
        if session.get(Job, model_id) is None:
            raise DataError(
                f"Only a fine-tuned model can be deleted, by the id of its job (found {model_id[:80]!r}). "
                "Demote a deployment instead."
            )
        jobs.offer(session, team, model_id, False)
    return OpenAIModelDeleted(id=model_id)
