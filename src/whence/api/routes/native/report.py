"""An attribution as a page."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from whence.api.auth import Open, Team
from whence.api.reporting import report
from whence.platform.history import get_attribution
from whence.platform.jobs import files_of

router = APIRouter(prefix="/whence/attributions", tags=["Attributions"])
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""The page loads nothing and runs nothing, whatever stands in the pairs."""


@router.get(
    "/{attribution_id}/report",
    summary="Read an attribution as a page",
    operation_id="attribution_report",
    response_class=Response,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
def read(attribution_id: str, team: Team, service: Open) -> HTMLResponse:
    """One HTML page with all that is known of the attribution, and how it is made again. It needs nothing else: no
    script, no other address; it can be kept, sent and printed."""
    with service.database.session() as session:
        kept = get_attribution(session, team, attribution_id)
        files = files_of(session, kept.job_id)
    return HTMLResponse(report(kept, files), headers=HEADERS)
