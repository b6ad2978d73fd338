"""The methods of attribution."""

from fastapi import APIRouter

from whence.api.access import Team
from whence.api.schemas.runs import MethodAnswer, MethodList, MethodNeeds
from whence.methods.catalog import CATALOG

router = APIRouter(prefix="/whence/methods", tags=["Methods"])


@router.get("", summary="List the methods of attribution", operation_id="list_methods")
def listed(team: Team) -> MethodList:
    """All methods, the default first. A model's answers can be explained by those that it has an index of."""
    data = [MethodAnswer(name=m.name, unit=m.unit, needs=MethodNeeds(checkpoints=m.checkpoints)) for m in CATALOG]
    return MethodList(data=data)
