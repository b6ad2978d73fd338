"""Pairs: those of a file, and those that many answers rest on."""

from typing import Annotated

from fastapi import APIRouter, Query

from whence.api.access import Open, Team
from whence.api.schemas.native import (
    Level,
    Limit,
    ModelName,
    Offset,
    PairAnswer,
    PairList,
    RecurringPair,
    RecurringPairs,
    Search,
    Turn,
)
from whence.platform.files import get_file
from whence.platform.history import recurring
from whence.platform.pairs import PairPage, Window, pairs_of_file
from whence.types import Example, exchange

router = APIRouter(prefix="/whence", tags=["Pairs"])


def answer(pair: Example) -> PairAnswer:
    """A pair as an answer."""
    return PairAnswer(
        id=pair.id,
        file_id=pair.file_id,
        file=pair.file,
        line=pair.line,
        turn=pair.turn,
        question=pair.question,
        answer=pair.answer,
        messages=exchange(pair.messages),
        conversation=[Turn(role=m.role, content=m.content) for m in pair.messages],
    )


def listing(page: PairPage, window: Window) -> PairList:
    """A page of pairs as an answer."""
    data = [answer(pair) for pair in page.pairs]
    return PairList(data=data, total=page.total, limit=window.limit, offset=window.offset)


@router.get(
    "/pairs/recurring", summary="List the pairs that recur in attributions", operation_id="list_recurring_pairs"
)
def recur(
    team: Team,
    service: Open,
    model: ModelName = None,
    level: Annotated[Level | None, Query(description="Count only where the pair had this level.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> RecurringPairs:
    """One page of the pairs that the attributions returned, the most frequent first."""
    with service.database.session() as session:
        found, total = recurring(session, team, model, level, limit, offset)
    names = ("file_id", "file", "line", "messages", "count", "share", "level")
    data = [RecurringPair(id=pair.pair_id, **{name: getattr(pair, name) for name in names}) for pair in found]
    return RecurringPairs(data=data, total=total, limit=limit, offset=offset)


@router.get("/files/{file_id}/pairs", summary="List the pairs of a file", operation_id="list_file_pairs")
def of_file(
    file_id: str, team: Team, service: Open, limit: Limit = 100, offset: Offset = 0, search: Search = None
) -> PairList:
    """One page of the file's pairs, with the ids that attributions give them."""
    window = Window(limit, offset, search or None)
    with service.database.session() as session:
        file = get_file(session, team, file_id)
    return listing(pairs_of_file(service.objects, file, window), window)
