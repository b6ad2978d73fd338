"""The estimated cost of a job."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from whence.api.auth import Open, Team
from whence.api.schemas.costs import EstimateAnswer, NewEstimate
from whence.platform.costs import cost_of
from whence.platform.files import get_file
from whence.training.recipe import Recipe

router = APIRouter(prefix="/whence/estimate", tags=["Runs"])


@router.post("", summary="Estimate what a job takes", operation_id="estimate_job")
def estimate(body: NewEstimate, team: Team, service: Open) -> EstimateAnswer:
    """Time, memory and disk of a fine-tuning job with its index. Nothing is kept or started."""
    chosen: dict[str, Any] = {name: getattr(body, name) for name in ("epochs", "rank", "full")}
    recipe = Recipe(**{name: value for name, value in chosen.items() if value is not None})
    with service.database.session() as session:
        files = [get_file(session, team, one) for one in body.files]
        return EstimateAnswer(**asdict(cost_of(session, service.objects, files, body.model, recipe)))
