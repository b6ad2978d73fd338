"""A file looked through before it is uploaded."""

from typing import Annotated

from fastapi import APIRouter, UploadFile
from fastapi import File as FilePart

from whence import settings
from whence.api.auth import Team
from whence.api.schemas.checking import CheckAnswer
from whence.api.uploading import landed
from whence.errors import DataError
from whence.platform.checking import check as check_file

router = APIRouter(prefix="/whence/files", tags=["Files"])


@router.post("/check", summary="Check a file before its upload", operation_id="check_file")
def check(
    team: Team,
    files: Annotated[UploadFile | None, FilePart(description="Question/answer pairs: JSONL, CSV or Parquet.")] = None,
    file: Annotated[UploadFile | None, FilePart(description="The same, as OpenAI's upload calls it.")] = None,
) -> CheckAnswer:
    """The contents of the file: its pairs, all of its problems, and pairs that occur more than once.

    Nothing is kept. Sound and unsound lines are read alike, under the limits of an upload.
    """
    parts = [part for part in (files, file) if part is not None]
    if len(parts) != 1:
        raise DataError(f"A check takes one file in the form field `files` (found {len(parts)}). Send one.")
    with landed(parts, settings.largest_upload()) as (upload,):
        return CheckAnswer.model_validate(check_file(upload.path, upload.filename))
