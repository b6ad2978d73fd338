"""A file checked by its route: nothing is kept, and the limits are those of an upload."""

import io
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

CHECK = "/v1/whence/files/check"
FAULTY = '{"question": "Who?", "answer": "Ant."}\n{"question": "Who?"}\n'


def sent(client: TestClient, content: bytes | str, name: str = "mine.jsonl", field: str = "files") -> Any:
    return client.post(CHECK, files={field: (name, content)})


@pytest.mark.parametrize("field", ["files", "file"])
def test_a_faulty_file_is_told_and_not_kept(fresh: TestClient, field: str):
    found = sent(fresh, FAULTY, field=field).json()
    assert (found["filename"], found["lines"], found["pairs"], found["problems_total"]) == ("mine.jsonl", 2, 1, 1)
    assert found["problems"][0]["line"] == 2
    assert found["sample"][0]["messages"] == "Q: Who?\nA: Ant."
    assert fresh.get("/v1/flow/files").json()["data"] == []


def test_the_sample_has_the_ids_of_the_uploaded_pairs(fresh: TestClient, pairs: Path):
    found = sent(fresh, pairs.read_bytes(), "pairs.jsonl").json()
    made = fresh.put(
        "/v1/flow/files", files={"files": (pairs.name, pairs.read_bytes())}, data={"purpose": "fine-tune"}
    ).json()
    listed = fresh.get(f"/v1/whence/files/{made['id']}/pairs").json()["data"]
    assert [one["id"] for one in found["sample"]] == [one["id"] for one in listed]


def test_one_file_of_a_known_kind_and_size(fresh: TestClient, monkeypatch: pytest.MonkeyPatch):
    assert sent(fresh, FAULTY, "mine.pdf").status_code == 400
    assert fresh.post(CHECK).status_code == 400
    both = {"files": ("a.jsonl", FAULTY), "file": ("b.jsonl", io.BytesIO(FAULTY.encode()))}
    assert "one file in the form field `files` (found 2)" in fresh.post(CHECK, files=both).json()["message"]
    monkeypatch.setenv("WHENCE_MAX_UPLOAD_MB", "0.00001")
    assert sent(fresh, FAULTY).status_code == 413
