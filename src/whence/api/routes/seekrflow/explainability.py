"""Attribution of answers to training pairs and to context."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session

from whence.api.attributing import attribute
from whence.api.auth import Open, Team
from whence.api.schemas.explainability import ContextAttributionAnswer, InfluentialData, NewContextAttribution
from whence.engine.messages import ContextRequest
from whence.engine.pool import Target
from whence.errors import DataError
from whence.platform.deployments import ServedModel, list_deployments, model_of_deployment, served_model
from whence.platform.models import offered_models
from whence.types import AttributionRequest

router = APIRouter(tags=["Explainability"])


@router.get(
    "/flow/explain/models/{model_id:path}/influential-finetuning-data",
    summary="Find the training pairs that made an answer",
    operation_id="influential_finetuning_data",
)
async def influential(
    request: Request,
    model_id: str,
    question: Annotated[str, Query()],
    team: Team,
    service: Open,
    system_prompt: Annotated[str | None, Query()] = None,
    answer: Annotated[str | None, Query(description="Explain this answer; without it the model gives its own.")] = None,
) -> InfluentialData:
    """The pairs, the most influential first; none where fine-tuning contributed nothing to the answer."""
    asked = AttributionRequest(question, answer or None, system_prompt or None)
    kept = await attribute(service, request.app.state.metrics, team, model_id, asked)
    result: dict[str, Any] = kept.result
    names = ("answer", "method", "unit", "lift", "trust", "sentence", "version")
    pairs = [{k: v for k, v in pair.items() if k != "conversation"} for pair in result["results"]]
    return InfluentialData.model_validate({**{name: result[name] for name in names}, "results": pairs, "id": kept.id})


@router.post(
    "/explainability/context-attributor",
    summary="Trace a response to its context",
    operation_id="context_attribution",
)
async def context(body: NewContextAttribution, team: Team, service: Open) -> ContextAttributionAnswer:
    """Each part of the response with the parts of the context that it rests on."""
    for name in ("context", "query", "response"):
        if not getattr(body, name).strip():
            raise DataError(f"The {name} must not be empty. Write one.")
    served = await service.in_session(lambda session: reader(session, team, body.model))
    message = ContextRequest(
        body.context,
        body.query,
        body.response,
        body.highlight or None,
        body.granularity or "sentence",
        body.top_k or 5,
        body.num_ablations,
        served.run,
    )
    return ContextAttributionAnswer.model_validate(await service.engines.ask(served.target, message))


def reader(session: Session, team: int, model: str | None) -> ServedModel:
    """The model that reads the context: the named one, else the team's latest active deployment, else a base model.

    Raises:
        MissingError: the named one is not deployed.
    """
    if model:
        return served_model(session, team, model)
    active = [d for d in list_deployments(session, team, 0, 1000) if d.status == "Active"]
    if active:
        latest = max(active, key=lambda d: (d.last_deployed_at or d.created_at, d.id))
        return model_of_deployment(session, latest)
    first = next(offer for offer in offered_models() if offer.kind == "chat")
    return ServedModel(Target("base", first.place), first.id)
