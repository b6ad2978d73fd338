"""An attribution from request to record: generate the answer if necessary, explain it, keep it, count it."""

import time
from dataclasses import replace
from typing import Any

from whence import settings
from whence.api import completions
from whence.api.metrics import Metrics
from whence.api.service import Service
from whence.engine.messages import AttributeRequest, TokensRequest
from whence.errors import DataError, MissingError
from whence.platform.deployments import ServedModel, served_model
from whence.platform.history import record
from whence.platform.jobs import files_of
from whence.platform.pairs import with_upload_ids
from whence.platform.runs import require_index
from whence.platform.tables import AttributionRecord
from whence.types import Attribution, AttributionRequest, TokenInfluence, decode


async def attribute(
    service: Service, metrics: Metrics, team: int, model: str, request: AttributionRequest
) -> AttributionRecord:
    """The attribution of an answer of a model, as it was kept.

    Raises:
        MissingError: no model of that name is deployed.
        MethodError: no method has that name.
        DataError: the question is empty, the model was not fine-tuned here, or has no index of the method.
    """
    request.require_valid()
    served = await service.in_session(lambda session: served_model(session, team, model))
    if served.run is None or served.job_id is None:
        raise DataError(f"{model!r} is a base model: it was not fine-tuned, so there are no pairs to return.")
    if request.method is not None:
        require_index(served.job_id, request.method)
    began = time.monotonic()
    if request.answer is None and settings.generation_url():
        request = replace(request, answer=await _upstream_answer(service, served, request), generated=True)
    result = await service.engines.ask(served.target, AttributeRequest(served.run, request))
    result["phases"]["wait"] = max(0.0, time.monotonic() - began - sum(result["phases"].values()))
    result["system_prompt"] = request.system_prompt
    metrics.note_phases(result["phases"])
    job_id = served.job_id
    return await service.in_session(lambda session: _keep(session, team, job_id, model, result))


async def tokens(service: Service, team: int, kept: AttributionRecord, pair: str | None) -> TokenInfluence:
    """The influence of the tokens of a training pair, or else of the first result, on the answer of an attribution.

    Raises:
        DataError: no pair is named, and the attribution returned none.
        MissingError: its model is no longer deployed, or was not trained on such a pair.
    """
    if pair is None and not kept.result["results"]:
        raise DataError("The attribution returned no pair. Name the pair whose tokens you ask about.")
    served = await service.in_session(lambda session: served_model(session, team, kept.model))
    if served.run is None or served.job_id != kept.job_id:
        raise MissingError(f"{kept.model!r} is no longer the model that gave the answer. Explain the answer again.")
    message = TokensRequest(served.run, request_of(kept), pair or kept.result["results"][0]["id"])
    found = decode(TokenInfluence, await service.engines.ask(served.target, message))
    return await service.in_session(lambda session: with_upload_ids(found, files_of(session, kept.job_id)))


def request_of(kept: AttributionRecord) -> AttributionRequest:
    """The request that a kept attribution answered, with the answer that was explained."""
    names = ("question", "answer", "system_prompt", "selection", "instead", "method")
    return decode(AttributionRequest, {name: kept.result.get(name) for name in names})


async def _upstream_answer(service: Service, served: ServedModel, request: AttributionRequest) -> str:
    turns = [(message.role, message.content) for message in request.query.messages[:-1]]
    greedy = {"max_new_tokens": request.max_new_tokens, "temperature": 0.0}
    return (await completions.whole(service, served, turns, greedy)).text.strip()


def _keep(session: Any, team: int, job_id: str, model: str, result: dict[str, Any]) -> AttributionRecord:
    found = with_upload_ids(decode(Attribution, result), files_of(session, job_id))
    return record(session, team, model, job_id, {**result, **found.to_dict()})
