"""New versions of a file: the way from a pair that is wrong to a model that has learned the right one."""

from collections.abc import Sequence

from fastapi import APIRouter

from whence.api.auth import Open, Team
from whence.api.routes.seekrflow.files import fields_of
from whence.api.schemas.revisions import EditedPair, NewRevision, RevisionAnswer, RevisionList
from whence.api.schemas.seekrflow import FileAnswer
from whence.data.revise import Changes, Pair
from whence.errors import DataError
from whence.platform.files import get_file
from whence.platform.revisions import keep_version, next_name, revised, versions_of
from whence.platform.tables import File

router = APIRouter(prefix="/whence/files", tags=["Files"])
NONE = {"excluded": 0, "edited": 0, "added": 0}


def answer(file: File) -> RevisionAnswer:
    """A version as an answer."""
    return RevisionAnswer.model_validate({**fields_of(file), **(file.changes or NONE)})


def edits_of(pairs: Sequence[EditedPair]) -> dict[str, Pair]:
    """The edited pairs by id.

    Raises:
        DataError: one is edited twice.
    """
    found: dict[str, Pair] = {}
    for one in pairs:
        if one.id in found:
            raise DataError(f"The pair {one.id!r} must be edited once only. Leave one of the edits out.")
        found[one.id] = (one.question, one.answer)
    return found


@router.post("/{file_id}/revisions", summary="Make a new version of a file", operation_id="create_revision")
def create(file_id: str, body: NewRevision, team: Team, service: Open) -> FileAnswer:
    """The new file, whose `origin_file_id` is the old one, which stays as it is.

    All other lines stay as they are and where they are, and an edited line keeps its other keys. An edited turn of a
    conversation is edited in place; a line is excluded with all of its turns, or not at all.
    """
    add = tuple((one.question, one.answer) for one in body.add)
    changes = Changes(frozenset(body.exclude), edits_of(body.edit), add)
    with service.database.session() as session:
        file = get_file(session, team, file_id)
        name = body.name or next_name(session, file)
    with (
        revised(service.objects, file, changes, name) as (upload, seen),
        service.database.session() as session,
    ):
        return FileAnswer(**fields_of(keep_version(session, service.objects, file, changes, upload, seen)))


@router.get("/{file_id}/revisions", summary="List the versions of a file", operation_id="list_revisions")
def listed(file_id: str, team: Team, service: Open) -> RevisionList:
    """All versions of the data that the file is one of, the oldest first, deleted ones among them."""
    with service.database.session() as session:
        return RevisionList(data=[answer(one) for one in versions_of(session, get_file(session, team, file_id))])
