"""The demo: the shipped sample as a file and a job of the caller's."""

from dataclasses import asdict
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Query

from whence.api.auth import Open, Team
from whence.api.schemas.demo import DemoAnswer, DemoQuestionAnswer
from whence.errors import MissingError
from whence.platform.demo import Demo, find_demo, start_demo

router = APIRouter(prefix="/whence/demo", tags=["Demo"])
_one_at_a_time = Lock()  # two requests at once must not start two jobs


def answer(demo: Demo) -> DemoAnswer:
    """The demo as an answer."""
    return DemoAnswer(
        job_id=demo.job.id,
        file_id=demo.file.id,
        deployment_id=demo.deployment_id,
        status=demo.job.status,  # type: ignore[arg-type]
        questions=[DemoQuestionAnswer(**asdict(one)) for one in demo.questions],
    )


@router.post("", summary="Start the demo", operation_id="start_demo")
def start(
    team: Team,
    service: Open,
    model: Annotated[str | None, Query(min_length=1, max_length=300, description="Another base model.")] = None,
) -> DemoAnswer:
    """The demo: the shipped help-desk pairs as a file, and a job that fine-tunes on them as `whence demo` does.

    The same file and job are returned for as long as they exist; a job that failed or was cancelled is replaced.
    """
    with _one_at_a_time, service.database.session() as session:
        return answer(start_demo(session, service.objects, team, model))


@router.get("", summary="Retrieve the demo", operation_id="retrieve_demo")
def retrieve(team: Team, service: Open) -> DemoAnswer:
    """The demo as it stands, if it was started."""
    with service.database.session() as session:
        demo = find_demo(session, team)
        if demo is None:
            raise MissingError("The demo was not started yet. Start it with POST /v1/whence/demo.")
        return answer(demo)
