"""The run of a fine-tuning job: its state, its pairs, its progress as it happens."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from whence.api import events
from whence.api.auth import Open, Team
from whence.api.routes.native.pairs import listing
from whence.api.routes.seekrflow.fine_tuning import answer, event
from whence.api.schemas.pagination import Limit, Offset, Search
from whence.api.schemas.pairs import PairList
from whence.api.schemas.runs import RunAnswer, RunFile, RunIndex
from whence.api.schemas.seekrflow import FineTune
from whence.api.service import Service
from whence.platform import jobs
from whence.platform.events import events_of
from whence.platform.pairs import Window, pairs_of_run
from whence.platform.runs import examples_of, indexes_of, manifest_of
from whence.platform.tables import Event, Job

router = APIRouter(prefix="/whence/runs", tags=["Runs"])
LOOK = 0.5
"""Seconds between two looks at what has happened."""
SILENCE = 15.0
"""Seconds after which a stream without news shows that it is still there: proxies close those that do not."""
LARGEST_NUMBER = 2**31 - 1
After = Annotated[int, Query(ge=0, le=LARGEST_NUMBER, description="Only events after the one with this id.")]
LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, le=LARGEST_NUMBER, description="The same, as browsers say it.")
]


@router.get("/{job_id}", summary="Retrieve a run", operation_id="retrieve_run")
def retrieve(job_id: str, team: Team, service: Open) -> RunAnswer:
    """The job as it stands, its files, and the manifests of what is finished."""
    with service.database.session() as session:
        job = jobs.get_job(session, team, job_id)
        files = jobs.files_of(session, job_id)
        place = jobs.place_of(session, job)
    names = (
        "id", "status", "phase", "progress", "seconds_left", "model", "evaluation", "error_analysis",
        "inference_available",
    )  # fmt: skip
    return RunAnswer(
        **{name: getattr(job, name) for name in names},
        place=place,
        files=[RunFile(id=f.id, filename=f.filename, deleted=f.deleted_at is not None) for f in files],
        manifest=manifest_of(job_id),
        indexes=[RunIndex(method=method, manifest=made) for method, made in indexes_of(job_id).items()],
    )


@router.post("/{job_id}/resume", summary="Resume a cancelled or failed job", operation_id="resume_run")
def resume(job_id: str, team: Team, service: Open) -> FineTune:
    """The job, waiting once more; it goes on from its last checkpoint."""
    with service.database.session() as session:
        return answer(session, jobs.resume_job(session, team, job_id))


@router.get("/{job_id}/pairs", summary="List the pairs of a run", operation_id="list_run_pairs")
def pairs(
    job_id: str, team: Team, service: Open, limit: Limit = 100, offset: Offset = 0, search: Search = None
) -> PairList:
    """One page of the pairs that the model was trained on, whether their files are still there or not."""
    window = Window(limit, offset, search or None)
    with service.database.session() as session:
        jobs.get_job(session, team, job_id)
        files = jobs.files_of(session, job_id)
    table = examples_of(job_id)
    return listing(pairs_of_run(service.objects, table, files, window), window, table)


@router.get(
    "/{job_id}/events",
    summary="Follow a run",
    operation_id="stream_run_events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def follow(
    job_id: str, team: Team, service: Open, after: After = 0, last: LastEventId = None
) -> StreamingResponse:
    """The job's events as server-sent events: `progress` as each happens, `end` with the job's status when it is over.

    Each has its id, so that a stream that was cut off goes on where it was.
    """
    await service.in_session(lambda session: jobs.get_job(session, team, job_id))
    return await events.stream(told(service, job_id, after if last is None else last))


async def told(service: Service, job_id: str, after: int) -> AsyncIterator[bytes]:
    """Yield the events of a job after event `after`, until the job or this process ends."""
    yield events.PING
    completion = time.monotonic()
    while not service.stopping.is_set():
        status, made = await service.in_session(partial(look, job_id, after))
        for one in made:
            yield events.named("progress", event(one).model_dump(mode="json"), one.id)
        after, completion = (made[-1].id, time.monotonic()) if made else (after, completion)
        if status in jobs.ENDED:
            yield events.named("end", {"id": job_id, "status": status})
            return
        if time.monotonic() - completion > SILENCE:
            completion = time.monotonic()
            yield events.PING
        await asyncio.sleep(LOOK)


def look(job_id: str, after: int, session: Session) -> tuple[str, list[Event]]:
    """A job's status and its events after number `after`. The status first: what led up to it is written by then."""
    status = session.get_one(Job, job_id).status
    return status, events_of(session, job_id, after)
