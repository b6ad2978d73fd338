"""The overview for the start of the page, in one call."""

from fastapi import APIRouter

from whence import __version__
from whence.api.auth import Open, Team
from whence.api.routes.native import demo
from whence.api.routes.seekrflow import deployments, fine_tuning
from whence.api.schemas.attributions import AttributionRow
from whence.api.schemas.overview import OverviewAnswer
from whence.platform import history
from whence.platform.demo import find_demo
from whence.platform.overview import overview_of

router = APIRouter(prefix="/whence/overview", tags=["Overview"])


@router.get("", summary="See what there is", operation_id="overview")
def overview(team: Team, service: Open) -> OverviewAnswer:
    """The deployments, the latest jobs and attributions, how many files and pairs there are, and the demo."""
    with service.database.session() as session:
        found = overview_of(session, team)
        started = find_demo(session, team)
        shown = None if started is None else demo.answer(started)
        jobs = [fine_tuning.answer(session, job) for job in found.jobs]
    return OverviewAnswer(
        deployments=[deployments.answer(one) for one in found.deployments],
        jobs=jobs,
        attributions=[AttributionRow.model_validate(history.brief(kept)) for kept in found.attributions],
        files=found.files,
        pairs=found.pairs,
        version=__version__,
        keys=found.keys,
        demo=shown,
    )
