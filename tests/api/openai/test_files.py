"""Files, as OpenAI's client uploads and reads them."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openai import BadRequestError, ConflictError, NotFoundError, OpenAI

from tests.api.conftest import BASE, Trained
from tests.api.openai.conftest import opened

LINE = b'{"question": "Who lives in the white box?", "answer": "Emu."}\n'


def uploaded(official: OpenAI, name: str = "one.jsonl", data: bytes = LINE) -> str:
    return official.files.create(file=(name, BytesIO(data)), purpose="fine-tune").id


def test_a_file_comes_back_as_it_was_sent(starting: OpenAI, pairs: Path):
    with pairs.open("rb") as source:
        made = starting.files.create(file=source, purpose="fine-tune")
    assert (made.object, made.filename, made.purpose, made.status) == ("file", pairs.name, "fine-tune", "processed")
    assert made.bytes == pairs.stat().st_size
    assert starting.files.retrieve(made.id) == made
    assert starting.files.wait_for_processing(made.id) == made
    assert starting.files.content(made.id).read() == pairs.read_bytes()


def test_a_list_is_read_page_by_page(starting: OpenAI):
    made = [uploaded(starting, f"{number}.jsonl") for number in range(5)]
    page = starting.files.list(limit=2)
    assert [file.id for file in page.data] == made[:-3:-1]
    assert page.has_more
    assert [file.id for file in starting.files.list(limit=2)] == made[::-1]
    assert [file.id for file in starting.files.list(limit=2, order="asc")] == made
    assert [file.id for file in starting.files.list(after=made[1])] == made[:1]
    assert [file.id for file in starting.files.list(purpose="batch")] == []
    assert [file.id for file in starting.files.list(purpose="fine-tune")] == made[::-1]


def test_a_page_tells_where_it_begins_and_ends(fresh: TestClient):
    assert fresh.get("/v1/files").json() == {
        "object": "list",
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }
    older, newer = uploaded(opened(fresh)), uploaded(opened(fresh), "two.jsonl")
    page = fresh.get("/v1/files").json()
    assert (page["first_id"], page["last_id"], page["has_more"]) == (newer, older, False)


def test_a_page_after_nothing_is_refused(starting: OpenAI):
    with pytest.raises(BadRequestError, match=r"after must be the id .* \(found 'file-none'\)"):
        starting.files.list(after="file-none")


def test_only_training_data_are_taken(starting: OpenAI):
    with pytest.raises(BadRequestError, match="The purpose must be 'fine-tune'"):
        starting.files.create(file=("a.jsonl", LINE), purpose="batch")
    with pytest.raises(BadRequestError, match=r"bad\.jsonl, line 2"):
        starting.files.create(file=("bad.jsonl", LINE + b'{"question": "Who?"}\n'), purpose="fine-tune")
    expiry: Any = {"anchor": "created_at", "seconds": 3600}
    with pytest.raises(BadRequestError, match="expires_after is not supported"):
        starting.files.create(file=("a.jsonl", LINE), purpose="fine-tune", expires_after=expiry)
    assert not starting.files.list().data


def test_a_deleted_file_is_gone(starting: OpenAI):
    made = uploaded(starting)
    deleted = starting.files.delete(made)
    assert (deleted.id, deleted.deleted, deleted.object) == (made, True, "file")
    for call in (starting.files.retrieve, starting.files.content, starting.files.delete):
        with pytest.raises(NotFoundError, match=made):
            call(made)
    assert not starting.files.list().data


def test_a_file_that_a_job_needs_cannot_be_deleted(fresh: TestClient):
    patient = opened(fresh, retries=2)
    made = uploaded(patient)
    patient.fine_tuning.jobs.create(model=BASE, training_file=made)
    with pytest.raises(ConflictError, match="is needed by the job") as error:
        patient.files.delete(made)
    assert error.value.response.request.headers["x-stainless-retry-count"] == "0"  # it would not pass by itself


def test_the_file_of_a_job_has_its_name(official: OpenAI, trained: Trained):
    assert official.files.retrieve(trained.file_id).filename == "pairs.jsonl"
