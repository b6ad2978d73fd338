"""Charts as Vega-Lite specifications, their data inside."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from whence.api.auth import Open, Team
from whence.client.decode import attribution
from whence.errors import ConflictError, DataError
from whence.figures import distribution, loss, mirrored
from whence.platform import jobs
from whence.platform.history import get_attribution
from whence.platform.losses import losses_of
from whence.types import Attribution, Distribution

router = APIRouter(prefix="/whence", tags=["Charts"])
Other = Annotated[str, Query(max_length=100, description="The attribution to the right, by its id.")]
NAME = 40
"""Characters of an answer in a legend."""


@router.get(
    "/attributions/{attribution_id}/charts/distribution",
    summary="Draw the scores of all pairs",
    operation_id="chart_distribution",
)
def spread(attribution_id: str, team: Team, service: Open) -> dict[str, Any]:
    """A Vega-Lite specification: how many pairs have which score, and how many would if nothing had caused the answer.

    Its parameter `bin` holds the ends of the bin that is pointed at, `lo` and `hi`.
    """
    found = kept(service, team, attribution_id)
    return distribution.specification(drawn(found, attribution_id), distribution.marks_of(found))


@router.get(
    "/attributions/{attribution_id}/charts/mirrored",
    summary="Draw the scores of two answers back to back",
    operation_id="chart_mirrored",
)
def two(attribution_id: str, other: Other, team: Team, service: Open) -> dict[str, Any]:
    """A Vega-Lite specification: the scores of all pairs for this answer to the left, those for another to the right,
    in the same bins."""
    left, right = kept(service, team, attribution_id), kept(service, team, other)
    if left.unit != right.unit:
        raise DataError(
            f"Two answers are drawn in one unit (found {left.unit} and {right.unit}). Explain both by one method."
        )
    return mirrored.specification(drawn(left, attribution_id), drawn(right, other), names(left, right))


@router.get("/runs/{job_id}/charts/loss", summary="Draw the loss of a run", operation_id="chart_loss")
def losses(job_id: str, team: Team, service: Open) -> dict[str, Any]:
    """A Vega-Lite specification: the loss by step as far as it has got, and, once that is over, the learning rate."""
    with service.database.session() as session:
        jobs.get_job(session, team, job_id)
        steps = losses_of(session, job_id)
    if not steps:
        raise ConflictError(f"{job_id} has no loss to draw. Wait until it has trained some steps.")
    return loss.specification(steps)


def kept(service: Open, team: int, attribution_id: str) -> Attribution:
    """A kept attribution of the team."""
    with service.database.session() as session:
        return attribution(get_attribution(session, team, attribution_id).result)


def drawn(found: Attribution, attribution_id: str) -> Distribution:
    """The distribution of an attribution. Those that older versions kept have none."""
    if found.distribution is None:
        raise ConflictError(f"{attribution_id} was kept without the scores of all pairs. Explain its answer again.")
    return found.distribution


def names(left: Attribution, right: Attribution) -> tuple[str, str]:
    """Distinct names for two answers, from the words that are explained."""
    said = (a.answer[slice(*a.selection)] if a.selection else a.answer for a in (left, right))
    one, other = (words if len(words) <= NAME else words[: NAME - 1] + "…" for words in said)
    return (one, other) if one != other else (f"1: {one}", f"2: {other}")
