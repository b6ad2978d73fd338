"""Deployments: models that answer."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from whence.client.bars import Shown, shown
from whence.client.calls import Call, Steps, fresh_key, poll, segment
from whence.client.errors import DeploymentFailed
from whence.client.records import Page, brief, moments, record
from whence.client.resource import D_co, Method, Resource
from whence.types import Progress, Report

ROOT = "/v1/flow/deployments"


@dataclass(frozen=True, slots=True, repr=False)
class Deployment:
    """A model that answers. `status` is Inactive, Pending, Active, Failed, Started or Success."""

    id: str
    status: str
    model_id: str = ""
    model_type: str = ""
    name: str = ""
    description: str = ""
    n_instances: int = 1
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    memory: str | None = None
    hardware_type: str | None = None
    processor: str | None = None
    user_id: int | None = None
    team_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_deployed_at: datetime | None = None
    failure: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "Deployment":
        """A deployment out of its JSON object."""
        return record(Deployment, data, **moments(data, "created_at", "updated_at", "last_deployed_at"))

    def __repr__(self) -> str:
        return brief(f"Deployment {self.id}", self.name, self.status, self.model_id, self.failure)


def create(
    model_id: str,
    name: str,
    description: str = "A fine-tuned model",
    model_type: str = "Fine-tuned Run",
    n_instances: int = 1,
) -> Call[Deployment]:
    """The new deployment of a job's model, given by the job's id (or of a base model, `model_type="Base Model"`)."""
    body = {
        "model_type": model_type,
        "model_id": model_id,
        "name": name,
        "description": description,
        "n_instances": n_instances,
    }
    return Call("POST", ROOT, Deployment.of, body=body, key=fresh_key())


def listing(skip: int = 0, limit: int = 100) -> Call[Page[Deployment]]:
    """The deployments, at most `limit` after the first `skip`."""
    return Call("GET", ROOT, Page.of(Deployment.of), query={"skip": skip, "limit": limit})


def retrieve(id: str) -> Call[Deployment]:
    """The deployment with this id, as it is now."""
    return Call("GET", f"{ROOT}/{segment(id)}", Deployment.of)


def promote(id: str) -> Call[Deployment]:
    """The deployment, which is made to answer."""
    return Call("PUT", f"{ROOT}/{segment(id)}/promote", Deployment.of)


def demote(id: str) -> Call[Deployment]:
    """The deployment, which does not answer until it is promoted again."""
    return Call("PUT", f"{ROOT}/{segment(id)}/demote", Deployment.of)


def wait(id: str, progress: Shown = True, timeout: float | None = None) -> Steps[Deployment]:
    """The deployment, active. Raises `DeploymentFailed` where it fails, `TimedOut` after `timeout` seconds."""
    with shown(progress) as report:
        seen = yield from poll(lambda: _look(id, report), lambda it: it.status in ("Active", "Failed"), timeout)
    if seen.status == "Failed":
        raise DeploymentFailed(f"Deployment {id} failed: {seen.failure or 'no reason is given'}")
    return seen


def _look(id: str, report: Report) -> Steps[Deployment]:
    """The deployment as it is now, reported."""
    seen = yield from retrieve(id)
    report(Progress(f"deployment {seen.status.lower()}", int(seen.status == "Active"), 1, "deployment"))
    return seen


class Deployments(Resource[D_co]):
    """`client.deployments`."""

    create = Method(create)
    list = Method(listing)
    retrieve = Method(retrieve)
    promote = Method(promote)
    demote = Method(demote)
    wait = Method(wait)
