"""Pairs of files, and pairs that recur."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import Trained
from tests.platform.attributions import keep, pair, result
from whence.client.pairs import Pair
from whence.client.records import Page
from whence.platform.runs import examples_of
from whence.types import Level


def test_a_pair_of_a_file_has_the_id_that_an_attribution_gives_it(client: TestClient, trained: Trained):
    body = {"model": trained.id, "question": trained.question, "answer": trained.answer, "false_discovery_rate": 0.99}
    returned = client.post("/v1/whence/attributions", json=body).json()["results"]
    listed = client.get(f"/v1/whence/files/{trained.file_id}/pairs").json()
    pairs = {one["id"]: one for one in listed["data"]}
    assert listed["total"] == len(pairs) == 12
    for one in returned:
        same = ("id", "file_id", "file", "line", "messages", "conversation")
        assert {name: one[name] for name in same} == {name: pairs[one["id"]][name] for name in same}
    assert returned


def test_a_page_of_pairs_says_what_part_of_the_file_it_is(client: TestClient, trained: Trained):
    page = client.get(f"/v1/whence/files/{trained.file_id}/pairs", params={"limit": 2, "offset": 3}).json()
    assert [one["line"] for one in page["data"]] == [4, 5]
    assert (page["object"], page["total"], page["limit"], page["offset"]) == ("list", 12, 2, 3)
    first = Page.of(Pair.of)(page)[0]
    assert (first.question, first.answer) == ("Who lives in the pink box?", "Dog.")
    assert first.messages == "Q: Who lives in the pink box?\nA: Dog."


def test_a_pair_is_as_long_as_the_newest_model_that_learned_it_says(client: TestClient, trained: Trained):
    in_file = client.get(f"/v1/whence/files/{trained.file_id}/pairs").json()["data"]
    in_run = client.get(f"/v1/whence/runs/{trained.id}/pairs").json()["data"]
    table = examples_of(trained.id)
    lengths = [table.tokens(i) for i in range(len(table))]
    expected = [{"total": len(one.input_ids), "answer": one.answer_length} for one in lengths]
    assert [one["tokens"] for one in in_file] == [one["tokens"] for one in in_run] == expected


def test_a_pair_that_no_model_learned_has_no_length_yet(fresh: TestClient, pairs: Path):
    files = {"files": (pairs.name, pairs.read_bytes())}
    made = fresh.put("/v1/flow/files", files=files, data={"purpose": "fine-tune"}).json()
    listed = fresh.get(f"/v1/whence/files/{made['id']}/pairs").json()["data"]
    assert {one["tokens"] for one in listed} == {None}


def test_a_search_finds_pairs_in_any_case(client: TestClient, trained: Trained):
    found = client.get(f"/v1/whence/files/{trained.file_id}/pairs", params={"search": "RED"}).json()
    assert [one["question"] for one in found["data"]] == [trained.question]
    assert found["total"] == 1


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("limit", 1001), ("offset", -1), ("offset", 2**31)])
def test_a_page_that_cannot_be_is_refused(client: TestClient, trained: Trained, name: str, value: int):
    for path in (f"/v1/whence/files/{trained.file_id}/pairs", "/v1/whence/pairs/recurring", "/v1/whence/attributions"):
        response = client.get(path, params={name: value})
        assert response.status_code == 400
        assert response.json()["message"].startswith(f"{name}: ")


def test_a_deleted_file_lists_no_pairs(fresh: TestClient, pairs: Path):
    with pairs.open("rb") as file:
        made = fresh.put("/v1/flow/files", files={"files": file}, data={"purpose": "fine-tune"}).json()
    path = f"/v1/whence/files/{made['id']}/pairs"
    assert fresh.get(path).json()["total"] == 12
    fresh.delete(f"/v1/flow/files/{made['id']}")
    assert fresh.get(path).status_code == 404


def test_pairs_recur_across_attributions(fresh: TestClient):
    with fresh.app.state.service.database.session() as session:
        keep(session, result(pair(1, Level.LOW, 0.2), pair(2)), result(pair(1, Level.HIGH, 0.6)))
        keep(session, result(pair(3)), model="another")
    path = "/v1/whence/pairs/recurring"
    page = fresh.get(path, params={"model": "m"}).json()
    assert page["total"] == 2
    first = page["data"][0]
    assert first.pop("share") == pytest.approx(0.4)
    assert first == {
        "id": "pair-1",
        "file_id": "file-1",
        "file": "faq.jsonl",
        "line": 1,
        "messages": "Q: Who?\nA: Ant 1.",
        "count": 2,
        "level": "high",
    }
    high = fresh.get(path, params={"level": "high", "limit": 1, "offset": 1}).json()
    assert (len(high["data"]), high["total"], high["data"][0]["count"]) == (1, 3, 1)
    assert fresh.get(path, params={"level": "irrelevant"}).status_code == 400


def test_a_pair_is_retrieved_with_its_neighbours_by_job_and_by_deployment(client: TestClient, trained: Trained):
    listed = client.get(f"/v1/whence/runs/{trained.id}/pairs").json()["data"]
    body = {"model_type": "Fine-tuned Run", "model_id": trained.id, "name": "A model", "description": "A test."}
    deployment = client.post("/v1/flow/deployments", json={**body, "n_instances": 1}).json()["id"]
    for model in (trained.id, deployment):
        found = client.get(f"/v1/whence/pairs/{listed[3]['id']}", params={"model": model}).json()
        assert found.pop("neighbours") == [listed[2], listed[4]]
        assert found == listed[3]
    for identity, model in ((listed[3]["id"], "nobody"), ("nobody", trained.id)):
        assert client.get(f"/v1/whence/pairs/{identity}", params={"model": model}).status_code == 404


def test_a_pair_that_an_attribution_returned_needs_no_model(client: TestClient, trained: Trained):
    body = {"model": trained.id, "question": trained.question, "answer": trained.answer, "false_discovery_rate": 0.99}
    first = client.post("/v1/whence/attributions", json=body).json()["results"][0]
    found = client.get(f"/v1/whence/pairs/{first['id']}").json()
    assert (found["file_id"], found["line"], found["messages"]) == (first["file_id"], first["line"], first["messages"])
    assert client.get("/v1/whence/pairs/nobody").status_code == 404


def test_metadata_comes_with_the_pairs_of_a_file(fresh: TestClient):
    lines = '{"question": "Who?", "answer": "Ant.", "fact": {"id": 1}, "odd": NaN}\n'
    made = fresh.put("/v1/flow/files", files={"files": ("a.jsonl", lines)}, data={"purpose": "fine-tune"}).json()
    listed = fresh.get(f"/v1/whence/files/{made['id']}/pairs").json()["data"]
    assert listed[0]["metadata"] == {"fact": {"id": 1}, "odd": "nan"}


def test_the_answers_of_a_pair_are_rows_of_attributions_with_its_part(fresh: TestClient):
    with fresh.app.state.service.database.session() as session:
        (first,) = keep(session, result(pair(2), opposing=(pair(1, Level.LOW, 0.2),)))
        (second,) = keep(session, result(pair(1, share=0.8)), model="another")
    found = fresh.get("/v1/whence/pairs/pair-1/answers").json()
    assert (found["total"], [one["id"] for one in found["data"]]) == (2, [second, first])
    rows = {one["id"]: one for one in fresh.get("/v1/whence/attributions").json()["data"]}
    part = {"level": "low", "score": 0.5, "share": 0.2, "rank": 1, "side": "opposing"}
    assert found["data"][1] == rows[first] | part
    only = fresh.get("/v1/whence/pairs/pair-1/answers", params={"model": "another", "limit": 1}).json()
    assert ([one["id"] for one in only["data"]], only["total"]) == ([second], 1)


def test_a_pair_that_no_attribution_returned_has_no_answers(client: TestClient, trained: Trained):
    path = "/v1/whence/pairs/nobody/answers"
    assert client.get(path).status_code == 404
    assert client.get(path, params={"model": "nobody"}).status_code == 404
    assert client.get(path, params={"model": trained.id}).json()["data"] == []
