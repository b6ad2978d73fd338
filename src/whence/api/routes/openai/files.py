"""Files: uploaded, listed, read back, deleted."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Response, UploadFile
from fastapi import File as FilePart

from whence import settings
from whence.api.auth import Open, Team
from whence.api.routes.seekrflow import files as kept
from whence.api.schemas.openai import Listing, OpenAIFile, OpenAIFileDeleted
from whence.api.uploading import take_in
from whence.errors import DataError
from whence.platform.files import PAIRS, get_file, list_files
from whence.platform.tables import File

router = APIRouter(prefix="/files", tags=["OpenAI: files"])
LONGEST_PAGE = 10_000


def answer(file: File) -> OpenAIFile:
    """A file as an answer."""
    return OpenAIFile(
        id=file.id,
        bytes=file.bytes,
        created_at=int(file.created_at.timestamp()),
        filename=file.filename,
        purpose=file.purpose,
    )


@router.post("", summary="Upload a file", operation_id="openai_upload_file")
def upload(
    file: Annotated[UploadFile, FilePart(description="Question/answer pairs: JSONL, CSV or Parquet.")],
    purpose: Annotated[str, Form()],
    team: Team,
    service: Open,
    expiry: Annotated[str | None, Form(alias="expires_after[anchor]")] = None,
) -> OpenAIFile:
    """The file, once every line of it has been checked."""
    if purpose != PAIRS:
        raise DataError(f"The purpose must be {PAIRS!r} (found {purpose[:40]!r}). Change it.")
    if expiry is not None:
        raise DataError("expires_after is not supported: files stay until they are deleted. Leave it out.")
    (made,) = take_in(service, team, [file], purpose, settings.largest_upload())
    return answer(made)


@router.get("", summary="List files", operation_id="openai_list_files")
def listed(
    team: Team,
    service: Open,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = LONGEST_PAGE,
    order: Literal["asc", "desc"] = "desc",
    purpose: str | None = None,
) -> Listing[OpenAIFile]:
    """The files, the newest first unless told otherwise."""
    with service.database.session() as session:
        found = list_files(session, team, purpose)
    in_order = found if order == "desc" else found[::-1]
    return Listing[OpenAIFile].page([answer(file) for file in in_order], after, limit)


@router.get("/{file_id}", summary="Retrieve a file", operation_id="openai_retrieve_file")
def retrieve(file_id: str, team: Team, service: Open) -> OpenAIFile:
    """The file's metadata."""
    with service.database.session() as session:
        return answer(get_file(session, team, file_id))


@router.get(
    "/{file_id}/content",
    summary="Download a file",
    operation_id="openai_download_file",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def content(file_id: str, team: Team, service: Open) -> Response:
    """The file's bytes, as they were uploaded."""
    return kept.content(file_id, team, service)


@router.delete("/{file_id}", summary="Delete a file", operation_id="openai_delete_file")
def delete(file_id: str, team: Team, service: Open) -> OpenAIFileDeleted:
    """Confirm the deletion. The pairs of a completed job are kept with the job."""
    return OpenAIFileDeleted(id=kept.delete(file_id, team, service).id)
