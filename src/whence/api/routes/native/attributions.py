"""Attributions: made, listed, exported, deleted."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from whence.api import exporting
from whence.api.attributing import attribute, tokens
from whence.api.auth import Open, Team
from whence.api.schemas.attributions import (
    AttributionAnswer,
    AttributionDeleted,
    AttributionList,
    AttributionRow,
    NewAttribution,
)
from whence.api.schemas.pagination import Limit, ModelName, Offset
from whence.api.service import Service
from whence.platform import history
from whence.platform.tables import AttributionRecord
from whence.types import TokenInfluence, decode

router = APIRouter(prefix="/whence/attributions", tags=["Attributions"])


def answer(kept: AttributionRecord) -> AttributionAnswer:
    """The response for an attribution."""
    return decode(AttributionAnswer, history.whole(kept))


@router.post("", summary="Find the training pairs that made an answer", operation_id="create_attribution")
async def create(body: NewAttribution, request: Request, team: Team, service: Open) -> AttributionAnswer:
    """The attribution, which is kept; it has no pairs where fine-tuning contributed nothing to the answer.

    A `selection` counts characters (Unicode code points) of `answer`, which has to be given then.
    """
    return answer(await attribute(service, request.app.state.metrics, team, body.model, body.request()))


@router.get("", summary="List attributions", operation_id="list_attributions")
def listed(
    team: Team, service: Open, model: ModelName = None, limit: Limit = 100, offset: Offset = 0
) -> AttributionList:
    """One page of the attributions, the newest first."""
    with service.database.session() as session:
        found, total = history.list_attributions(session, team, model, limit, offset)
    rows = [AttributionRow.model_validate(history.brief(kept)) for kept in found]
    return AttributionList(data=rows, total=total, limit=limit, offset=offset)


@router.get(
    "/export",
    summary="Download attributions",
    operation_id="export_attributions",
    response_class=StreamingResponse,
    responses={200: {"content": {media: {"schema": {"type": "string"}} for media in exporting.MEDIA.values()}}},
)
def export(
    team: Team,
    service: Open,
    model: ModelName = None,
    form: Annotated[exporting.Format, Query(alias="format", description="How the file is written.")] = "jsonl",
) -> StreamingResponse:
    """All attributions, the newest first, as one file.

    JSONL has one attribution a line, as it is retrieved. CSV and Parquet have one row a returned pair, with the columns
    of its attribution repeated; attributions that returned no pair are in JSONL only. In CSV an apostrophe leads each
    text that begins with `=`, `+`, `-`, `@`, a tab or a return, so that no spreadsheet runs it as a formula.
    """
    headers = {"Content-Disposition": f'attachment; filename="attributions.{form}"'}
    pieces = exporting.pieces(form, every(service, team, model))
    return StreamingResponse(pieces, media_type=exporting.MEDIA[form], headers=headers)


def every(service: Service, team: int, model: str | None) -> Iterator[AttributionRecord]:
    """The team's attributions in a session of their own, which ends with them."""
    with service.database.session() as session:
        yield from history.every_attribution(session, team, model)


@router.get("/{attribution_id}", summary="Retrieve an attribution", operation_id="retrieve_attribution")
def retrieve(attribution_id: str, team: Team, service: Open) -> AttributionAnswer:
    """The attribution, as it was made."""
    with service.database.session() as session:
        return answer(history.get_attribution(session, team, attribution_id))


@router.get(
    "/{attribution_id}/tokens",
    summary="Find the tokens of a pair that made an answer",
    operation_id="attribution_tokens",
)
async def token_scores(
    attribution_id: str,
    team: Team,
    service: Open,
    pair: Annotated[
        str | None,
        Query(max_length=100, description="Any training pair, by its id; without it the first result."),
    ] = None,
) -> TokenInfluence:
    """The parts that the tokens of a training pair have in the attribution's answer. Worked out now.

    The method has to be one that is linear in a pair's gradient; the model has to be deployed.
    """
    kept = await service.in_session(lambda session: history.get_attribution(session, team, attribution_id))
    return await tokens(service, team, kept, pair)


@router.delete("/{attribution_id}", summary="Delete an attribution", operation_id="delete_attribution")
def delete(attribution_id: str, team: Team, service: Open) -> AttributionDeleted:
    """Confirm the deletion. The attribution's pairs no longer count as recurring because of it."""
    with service.database.session() as session:
        history.delete_attribution(session, team, attribution_id)
    return AttributionDeleted(id=attribution_id)
