"""Verbatim matches of an answer in the pairs."""

from fastapi import APIRouter

from whence.api.auth import Open, Team
from whence.api.schemas.verbatim import VerbatimAnswer
from whence.data.verbatim import verbatim
from whence.platform.history import get_attribution
from whence.platform.jobs import files_of
from whence.platform.pairs import with_upload_ids
from whence.platform.runs import examples_of

router = APIRouter(prefix="/whence/attributions", tags=["Attributions"])


@router.get(
    "/{attribution_id}/verbatim",
    summary="Find verbatim matches of an answer in pairs",
    operation_id="attribution_verbatim",
)
def spans(attribution_id: str, team: Team, service: Open) -> VerbatimAnswer:
    """The parts of the answer that stand in the question or the answer of a pair that the model was trained on.

    Told by the words alone, in any case and punctuation: at least four in a row, or three fifths of a shorter answer.
    """
    with service.database.session() as session:
        kept = get_attribution(session, team, attribution_id)
        files = files_of(session, kept.job_id)
    found = verbatim(kept.result["answer"], examples_of(kept.job_id))
    return VerbatimAnswer(spans=with_upload_ids(found, files))
