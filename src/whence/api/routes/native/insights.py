"""Findings about a run's own data, to find its errors."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from whence.api.auth import Open, Team
from whence.api.routes.native.pairs import Lengths
from whence.api.routes.native.pairs import answer as pair
from whence.api.schemas.insights import (
    ContradictionAnswer,
    CopiesOfPair,
    EvaluationBrief,
    InsightsAnswer,
    SuspectAnswer,
    TopicAnswer,
    UnsupportedAnswer,
)
from whence.data.table import TokenCounts
from whence.errors import ConflictError
from whence.platform import jobs
from whence.platform.insights import (
    Found,
    answered_by,
    evaluation_of,
    read_insights,
    report_page,
    state_of,
    unsupported,
)
from whence.platform.runs import examples_of
from whence.types import Example

router = APIRouter(prefix="/whence/runs", tags=["Runs"])
NOTHING = Found([], [], [], [])


@router.get("/{job_id}/insights", summary="See what a run tells of its data", operation_id="run_insights")
def insights(job_id: str, team: Team, service: Open) -> InsightsAnswer:
    """Pairs that look wrong, contradict each other or are repeated, topics, and answers that no pair stands behind.

    The worker makes them when the job is completed, in the state `computing` until then; they are `absent` where that
    failed, and for jobs of earlier versions.
    """
    with service.database.session() as session:
        job = jobs.get_job(session, team, job_id)
        state, files = state_of(session, job), jobs.files_of(session, job_id)
        answered, vain = answered_by(session, job), unsupported(session, job)
    found, lengths = NOTHING, dict[str, TokenCounts]()
    if state == "ready":
        table = examples_of(job_id)
        found = read_insights(job_id, table, files, answered)
        lengths = table.token_counts([one.id for one in found.pairs])
    brief = evaluation_of(job_id)
    suspects = [{**one, "pair": pair(one["pair"], {}, lengths)} for one in found.suspects]
    return InsightsAnswer(
        job_id=job_id,
        state=state,
        suspects=[SuspectAnswer.model_validate(one) for one in suspects],
        duplicates=[CopiesOfPair(**together(pairs, lengths)) for pairs in found.duplicates],
        topics=[TopicAnswer(**one) for one in found.topics],
        contradictions=[
            ContradictionAnswer(**together(pairs, lengths), reason=why) for pairs, why in found.contradictions
        ],
        unsupported=[UnsupportedAnswer(**one) for one in vain],
        evaluation=EvaluationBrief(**brief, html=f"/v1/whence/runs/{job_id}/evaluation") if brief else None,
    )


def together(pairs: Sequence[Example], lengths: Lengths) -> dict[str, Any]:
    """Pairs with the question that the first of them asks."""
    return {"pairs": [pair(one, {}, lengths) for one in pairs], "question": pairs[0].question}


@router.get(
    "/{job_id}/evaluation",
    summary="Read the report of a run's last evaluation",
    operation_id="run_evaluation",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
def evaluation(job_id: str, team: Team, service: Open) -> FileResponse:
    """The page that the last `whence evaluate` of the run wrote."""
    with service.database.session() as session:
        jobs.get_job(session, team, job_id)
    page = report_page(job_id)
    if page is None:
        raise ConflictError(f"The run of {job_id} was not evaluated. Run `whence evaluate` on its folder.")
    return FileResponse(page, media_type="text/html")
