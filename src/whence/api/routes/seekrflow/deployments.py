"""Deployments: models that answer."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query

from whence.api.auth import Open, Team
from whence.api.idempotency import IdempotencyKey, once
from whence.api.loading import load
from whence.api.schemas.seekrflow import DeploymentAnswer, DeploymentList, NewDeployment, Page
from whence.platform import deployments
from whence.platform.tables import Deployment

router = APIRouter(prefix="/flow/deployments", tags=["Deployments"])
log = logging.getLogger("whence.api")


def answer(deployment: Deployment) -> DeploymentAnswer:
    """A deployment as an answer."""
    names = (
        "id", "model_type", "model_id", "name", "description", "status", "total_input_tokens", "total_output_tokens",
        "created_at", "last_deployed_at", "updated_at", "n_instances", "failure",
    )  # fmt: skip
    own: dict[str, Any] = {name: getattr(deployment, name) for name in names}
    return DeploymentAnswer(**own, memory=None, user_id=deployment.team_id, team_id=str(deployment.team_id))


@router.post("", summary="Create a deployment", operation_id="create_deployment")
def create(body: NewDeployment, team: Team, service: Open, key: IdempotencyKey = None) -> DeploymentAnswer:
    """The new deployment, which answers once it is promoted."""
    with service.database.session() as session:
        chosen = (body.model_type, body.model_id, body.name, body.description, body.n_instances)
        made = once(session, team, key, lambda: deployments.create_deployment(session, team, *chosen).id)
        return answer(deployments.get_deployment(session, team, made))


@router.get("", summary="List deployments", operation_id="list_deployments")
def listed(
    team: Team, service: Open, skip: Annotated[int, Query(ge=0, le=2**31)] = 0, limit: Annotated[Page, Query()] = 100
) -> DeploymentList:
    """The deployments, the newest first."""
    with service.database.session() as session:
        return DeploymentList(data=[answer(d) for d in deployments.list_deployments(session, team, skip, limit)])


@router.get("/{deployment_id}", summary="Retrieve a deployment", operation_id="retrieve_deployment")
def retrieve(deployment_id: str, team: Team, service: Open) -> DeploymentAnswer:
    """The deployment as it stands."""
    with service.database.session() as session:
        return answer(deployments.get_deployment(session, team, deployment_id))


@router.put("/{deployment_id}/promote", summary="Let a deployment answer", operation_id="promote_deployment")
def promote(deployment_id: str, team: Team, service: Open, later: BackgroundTasks) -> DeploymentAnswer:
    """The deployment. Its model is loaded meanwhile: requests for it wait, and the status becomes Active."""
    with service.database.session() as session:
        promoted = deployments.promote(session, team, deployment_id)
    if promoted.status == "Pending":
        later.add_task(load, service, deployment_id)
    return answer(promoted)


@router.put("/{deployment_id}/demote", summary="Stop a deployment from answering", operation_id="demote_deployment")
def demote(deployment_id: str, team: Team, service: Open) -> DeploymentAnswer:
    """The deployment, inactive."""
    with service.database.session() as session:
        return answer(deployments.demote(session, team, deployment_id))
