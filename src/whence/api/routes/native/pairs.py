"""Pairs: those of a file, and those that many answers rest on."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from whence.api.auth import Open, Team
from whence.api.schemas.findings import PairAnswers, PairInAnswer, RecurringPair, RecurringPairs
from whence.api.schemas.pagination import Limit, ModelName, Offset, Search
from whence.api.schemas.pairs import Level, PairAnswer, PairInPlace, PairList
from whence.data.table import ExampleTable, TokenCounts
from whence.errors import MissingError
from whence.platform import jobs
from whence.platform.checking import as_json
from whence.platform.deployments import job_named
from whence.platform.files import get_file
from whence.platform.history import answers_of, brief, latest_job_of, recurring
from whence.platform.pairs import Besides, PairPage, Window, pair_of_run, pairs_of_file
from whence.platform.runs import examples_of, examples_with
from whence.types import Example

router = APIRouter(prefix="/whence", tags=["Pairs"])
Lengths = Mapping[str, TokenCounts]
"""The lengths of pairs by id; without pairs that no model was trained on."""


def answer(pair: Example, besides: Besides, lengths: Lengths) -> PairAnswer:
    """A pair as an answer."""
    length = lengths.get(pair.id)
    said = as_json(pair, pair.file, dict(besides.get(pair.id, {})))
    return PairAnswer.model_validate({**said, "tokens": asdict(length) if length else None})


def listing(page: PairPage, window: Window, table: ExampleTable | None) -> PairList:
    """A page of pairs as an answer."""
    lengths = table.token_counts([pair.id for pair in page.pairs]) if table else {}
    data = [answer(pair, page.besides, lengths) for pair in page.pairs]
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


@router.get("/pairs/{pair_id}", summary="Retrieve a pair of a run", operation_id="retrieve_pair")
def retrieve(pair_id: str, team: Team, service: Open, model: ModelName = None) -> PairInPlace:
    """The pair, with every other key of its line, and the pairs right before and after it in its file.

    `model` is a deployment or a job that was trained on it; without one, that of the latest attribution which returned
    the pair.
    """
    with service.database.session() as session:
        found = model or latest_job_of(session, team, pair_id)
        if found is None:
            raise MissingError(f"No attribution returned a pair {pair_id[:80]!r}. Name a model that was trained on it.")
        job = job_named(session, team, found)
        files = jobs.files_of(session, job.id)
    table = examples_of(job.id)
    place = pair_of_run(service.objects, table, files, pair_id)
    lengths = table.token_counts([one.id for one in (place.pair, *place.neighbours)])
    around = [answer(one, place.besides, lengths) for one in place.neighbours]
    return PairInPlace(**answer(place.pair, place.besides, lengths).model_dump(), neighbours=around)


@router.get(
    "/pairs/{pair_id}/answers", summary="List the answers that a pair had a part in", operation_id="pair_answers"
)
def answers(
    pair_id: str, team: Team, service: Open, model: ModelName = None, limit: Limit = 100, offset: Offset = 0
) -> PairAnswers:
    """One page of the attributions that returned the pair, the newest first, each with the part that the pair had.

    A pair of a `model` that no attribution returned has none; without a model there is no such pair then.
    """
    with service.database.session() as session:
        found, total = answers_of(session, team, pair_id, model, limit, offset)
        if not total and model is None:
            raise MissingError(f"No attribution returned a pair {pair_id[:80]!r}.")
        if not total and model is not None:
            job_named(session, team, model)
    own = ("level", "score", "share", "rank", "side")
    rows = [{**brief(one.attribution), **{name: getattr(one, name) for name in own}} for one in found]
    data = [PairInAnswer.model_validate(row) for row in rows]
    return PairAnswers(data=data, total=total, limit=limit, offset=offset)


@router.get("/files/{file_id}/pairs", summary="List the pairs of a file", operation_id="list_file_pairs")
def of_file(
    file_id: str, team: Team, service: Open, limit: Limit = 100, offset: Offset = 0, search: Search = None
) -> PairList:
    """One page of the file's pairs, with the ids that attributions give them."""
    window = Window(limit, offset, search or None)
    with service.database.session() as session:
        file = get_file(session, team, file_id)
        table = examples_with(session, file_id)
    return listing(pairs_of_file(service.objects, file, window), window, table)
