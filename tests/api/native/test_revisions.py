"""New versions of a file, through their routes."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

ROWS = [{"question": f"Who is {n}?", "answer": f"Ant {n}.", "fact": n} for n in range(4)]
FILES = "/v1/whence/files"


@pytest.fixture
def file(fresh: TestClient) -> dict[str, Any]:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    return fresh.put("/v1/flow/files", files={"files": ("faq.jsonl", lines)}, data={"purpose": "fine-tune"}).json()


def pairs_of(client: TestClient, file_id: str) -> list[dict[str, Any]]:
    return client.get(f"{FILES}/{file_id}/pairs").json()["data"]


def revise(client: TestClient, file_id: str, **changes: Any) -> Any:
    return client.post(f"{FILES}/{file_id}/revisions", json=changes)


def test_a_new_version_has_the_changes_and_the_old_one_does_not(fresh: TestClient, file: dict[str, Any]):
    pairs = pairs_of(fresh, file["id"])
    edit = [{"id": pairs[2]["id"], "question": "Who is 2?", "answer": "Bee."}]
    made = revise(fresh, file["id"], exclude=[pairs[0]["id"]], edit=edit, add=[{"question": "New?", "answer": "Yes."}])
    new = made.json()
    assert (new["origin_file_id"], new["filename"], new["examples"]) == (file["id"], "faq-v2.jsonl", 4)
    assert new == fresh.get(f"/v1/flow/files/{new['id']}").json()
    said = [(one["line"], one["answer"], one["metadata"]) for one in pairs_of(fresh, new["id"])]
    assert said == [(1, "Ant 1.", {"fact": 1}), (2, "Bee.", {"fact": 2}), (3, "Ant 3.", {"fact": 3}), (4, "Yes.", {})]
    assert pairs_of(fresh, file["id"]) == pairs


def test_the_versions_are_a_chain_with_what_changed(fresh: TestClient, file: dict[str, Any]):
    first = pairs_of(fresh, file["id"])
    second = revise(fresh, file["id"], exclude=[one["id"] for one in first[:2]]).json()
    (pair, _) = pairs_of(fresh, second["id"])
    edit = [{"id": pair["id"], "question": "Q?", "answer": "A."}]
    third = revise(fresh, second["id"], edit=edit, name="mended.jsonl").json()
    fourth = revise(fresh, file["id"], add=[{"question": "Q?", "answer": "A."}]).json()
    fresh.delete(f"/v1/flow/files/{second['id']}")
    for one in (file, third, fourth):
        chain = fresh.get(f"{FILES}/{one['id']}/revisions").json()["data"]
        assert [version["id"] for version in chain] == [file["id"], second["id"], third["id"], fourth["id"]]
        counts = [(version["excluded"], version["edited"], version["added"]) for version in chain]
        assert counts == [(0, 0, 0), (2, 0, 0), (0, 1, 0), (0, 0, 1)]
        names = [version["filename"] for version in chain]
        assert names == ["faq.jsonl", "faq-v2.jsonl", "mended.jsonl", "faq-v4.jsonl"]
        assert [version["deleted"] for version in chain] == [False, True, False, False]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, "must change something"),
        ({"exclude": ["nobody"]}, "nobody"),
        ({"add": [{"question": " ", "answer": "A."}]}, "line 5"),
        ({"add": [{"question": "Q?", "answer": "A."}], "name": "other.csv"}, "other.csv"),
        ({"add": [{"question": "Q?", "answer": "A."}], "name": "../x.jsonl"}, "no path"),
        ({"edit": [{"id": "x", "question": "Q?", "answer": "A."}] * 2}, "edited once only"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_by_name(
    fresh: TestClient, file: dict[str, Any], changes: dict[str, Any], named: str
):
    response = revise(fresh, file["id"], **changes)
    assert response.status_code == 400
    assert named in response.json()["message"]
    assert len(fresh.get("/v1/flow/files").json()["data"]) == 1


def test_a_file_may_not_be_emptied(fresh: TestClient, file: dict[str, Any]):
    response = revise(fresh, file["id"], exclude=[one["id"] for one in pairs_of(fresh, file["id"])])
    assert (response.status_code, "empty" in response.json()["message"]) == (400, True)


def test_a_model_can_be_trained_on_a_version(fresh: TestClient, file: dict[str, Any]):
    new = revise(fresh, file["id"], exclude=[pairs_of(fresh, file["id"])[0]["id"]]).json()
    config = {"training_files": [new["id"]], "model": "tiny-llama"}
    assert fresh.post("/v1/flow/fine-tune", json={"training_config": config}).json()["status"] == "pending"
