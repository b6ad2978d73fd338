"""Files: uploaded, listed, read back, renamed, deleted."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Response, UploadFile
from fastapi import File as FilePart
from fastapi.responses import StreamingResponse

from whence import settings
from whence.api.auth import Open, Team
from whence.api.schemas.seekrflow import (
    DocumentMetadata,
    FileAnswer,
    FileDeleted,
    FileList,
    MetadataVerdict,
    NewName,
    Page,
)
from whence.api.uploading import take_in
from whence.errors import ConflictError
from whence.platform.files import DOCUMENT_TYPES, DOCUMENTS, delete_file, get_file, list_files, rename_file
from whence.platform.jobs import trained_on
from whence.platform.tables import File

router = APIRouter(prefix="/flow", tags=["Files"])
SORTS = {"created_at": "created_at", "filename": "filename", "type": "type", "size": "bytes"}


def fields_of(file: File) -> dict[str, Any]:
    """A file as its answer has it."""
    names = ("id", "created_at", "type", "purpose", "filename", "bytes", "examples", "sha256", "origin_file_id")
    own = {name: getattr(file, name) for name in names}
    return {**own, "created_by": str(file.team_id), "deleted": file.deleted_at is not None}


@router.put("/files", summary="Upload a file", operation_id="upload_file")
def upload(
    files: Annotated[UploadFile, FilePart(description="Question/answer pairs: JSONL, CSV or Parquet.")],
    purpose: Annotated[str, Form()],
    team: Team,
    service: Open,
) -> FileAnswer:
    """The file, once every line of it has been checked."""
    (file,) = take_in(service, team, [files], purpose, settings.largest_upload())
    return FileAnswer(**fields_of(file))


@router.put("/bulk_files", summary="Upload several files", operation_id="upload_files")
def bulk_upload(
    files: Annotated[list[UploadFile], FilePart()], purpose: Annotated[str, Form()], team: Team, service: Open
) -> list[FileAnswer]:
    """The files in the order in which they came; all of them, or none."""
    return [FileAnswer(**fields_of(f)) for f in take_in(service, team, files, purpose, settings.largest_upload())]


@router.post("/files/validate_metadata", summary="Check a document before its upload", operation_id="validate_metadata")
def validate(body: DocumentMetadata, team: Team) -> MetadataVerdict:
    """Check whether a document of that kind and size may be uploaded."""
    problems: list[str] = []
    suffix = body.suffix.lower().removeprefix(".")
    if body.purpose != DOCUMENTS:
        problems.append(f"The purpose must be {DOCUMENTS!r}, not {body.purpose[:40]!r}.")
    if suffix not in DOCUMENT_TYPES:
        problems.append(f"The ending must be one of {', '.join(DOCUMENT_TYPES)}, not {suffix[:20]!r}.")
    if not 0 < body.size <= settings.largest_upload():
        problems.append(f"The size must be 1 to {settings.largest_upload():,} bytes, not {body.size:,}.")
    return MetadataVerdict(is_valid=not problems, errors=" ".join(problems))


@router.get("/files", summary="List files", operation_id="list_files")
def listed(
    team: Team,
    service: Open,
    limit: Annotated[Page | None, Query()] = None,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    sort_by: Literal["created_at", "filename", "type", "size"] = "created_at",
    sort_order: Literal["asc", "desc"] = "desc",
    purpose: str | None = None,
) -> FileList:
    """The files, the newest first unless told otherwise."""
    with service.database.session() as session:
        found = list_files(session, team, purpose)
    page = sorted_files(found, SORTS[sort_by], sort_order == "desc")[offset : offset + limit if limit else None]
    return FileList(data=[FileAnswer(**fields_of(file)) for file in page], total=len(found))


def sorted_files(files: Sequence[File], by: str, down: bool) -> list[File]:
    """The files in an order; equal ones by their id."""
    return sorted(files, key=lambda file: (getattr(file, by), file.id), reverse=down)


@router.get("/files/{file_id}", summary="Retrieve a file", operation_id="retrieve_file")
def retrieve(file_id: str, team: Team, service: Open) -> FileAnswer:
    """The file's metadata."""
    with service.database.session() as session:
        return FileAnswer(**fields_of(get_file(session, team, file_id)))


@router.get(
    "/files/{file_id}/content",
    summary="Download a file",
    operation_id="download_file",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def content(file_id: str, team: Team, service: Open) -> Response:
    """The file's bytes, as they were uploaded."""
    with service.database.session() as session:
        file = get_file(session, team, file_id)
    headers = {"Content-Length": str(file.bytes)}
    return StreamingResponse(
        service.objects.pieces(file.object), media_type="application/octet-stream", headers=headers
    )


@router.put("/files/{file_id}/rename", summary="Rename a file", operation_id="rename_file")
def rename(file_id: str, body: NewName, team: Team, service: Open) -> FileAnswer:
    """The file under its new name."""
    with service.database.session() as session:
        return FileAnswer(**fields_of(rename_file(session, team, file_id, body.new_filename)))


@router.delete("/files/{file_id}", summary="Delete a file", operation_id="delete_file")
def delete(file_id: str, team: Team, service: Open) -> FileDeleted:
    """Confirm the deletion, and say what is kept."""
    with service.database.session() as session:
        jobs = trained_on(session, file_id)
        if waiting := [job.id for job in jobs if job.status in ("pending", "queued", "running")]:
            raise ConflictError(
                f"The file is needed by the job {waiting[0]}. Cancel the job first, or wait until it has ended."
            )
        delete_file(session, service.objects, team, file_id)
    note = None
    if done := [job.id for job in jobs if job.status == "completed"]:
        note = f"Its pairs are kept with {', '.join(done)}, so that answers of these models stay traceable."
    return FileDeleted(id=file_id, note=note)
