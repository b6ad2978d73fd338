"""Attributions in Whence's own words: made, listed, retrieved, deleted."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests import golden
from tests.api.conftest import BASE, Trained
from tests.platform.attributions import keep, pair, result
from whence.api.service import Service
from whence.client.attributions import AttributionSummary, KeptAttribution
from whence.client.records import Page
from whence.pipeline import attribute
from whence.platform.jobs import run_of
from whence.types import Attribution, Level

ROOT = "/v1/whence/attributions"


def asked(client: TestClient, trained: Trained, **more: Any) -> dict[str, Any]:
    body = {"model": trained.id, "question": trained.question, "answer": trained.answer, **more}
    response = client.post(ROOT, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def refused(client: TestClient, trained: Trained, status: int = 400, **more: Any) -> str:
    response = client.post(ROOT, json={"model": trained.id, "question": trained.question, **more})
    assert response.status_code == status, response.text
    return response.json()["message"]


def test_an_attribution_tells_all_that_the_library_tells(client: TestClient, trained: Trained):
    made = asked(client, trained, system_prompt="Be brief.", top_k=5, false_discovery_rate=0.5)
    own = attribute(run_of(trained.id), trained.question, trained.answer, "Be brief.", false_discovery_rate=0.5, top=5)
    told = own.to_dict()
    for one in (*told["results"], *told["opposing"]):
        one["file_id"] = trained.file_id
        for name in ("score", "share", "p_value"):
            one[name] = pytest.approx(one[name], rel=1e-3)
    told["lift"] = {name: pytest.approx(value, rel=1e-3) for name, value in told["lift"].items()}
    told["distribution"]["null"] = pytest.approx(told["distribution"]["null"], abs=0.01)
    assert {name: made[name] for name in told} == told
    assert made["object"] == "attribution"
    assert (made["model"], made["job_id"]) == (trained.id, trained.id)
    assert (made["system_prompt"], made["sentence"]) == ("Be brief.", own.sentence)
    assert set(made["phases"]) == {"attribute", "wait"}


def test_an_attribution_is_kept_as_it_was_made(client: TestClient, trained: Trained):
    made = asked(client, trained)
    assert made["results"][0]["line"] == 1
    assert client.get(f"{ROOT}/{made['id']}").json() == made


def test_the_sdk_reads_it(client: TestClient, trained: Trained):
    read = KeptAttribution.of(asked(client, trained))
    assert isinstance(read.attribution, Attribution)
    assert read.results[0].level in (Level.HIGH, Level.MEDIUM, Level.LOW)
    assert read.results[0].messages[-1].content == trained.answer


def test_without_an_answer_the_model_gives_its_own(client: TestClient, trained: Trained):
    response = client.post(ROOT, json={"model": trained.id, "question": trained.question})
    assert response.json()["generated"] is True
    assert response.json()["answer"].startswith(trained.answer)
    assert set(response.json()["phases"]) == {"generate", "attribute", "wait"}


def test_a_selection_explains_a_part_of_the_answer(client: TestClient, trained: Trained):
    whole, part = asked(client, trained), asked(client, trained, selection={"start": 0, "end": 2})
    assert (whole["selection"], part["selection"]) == (None, [0, 2])
    assert part["lift"]["tokens"] < whole["lift"]["tokens"]


def test_a_selection_of_no_answer_or_beyond_it_is_refused(client: TestClient, trained: Trained):
    part = {"start": 0, "end": 2}
    assert "Give the answer" in refused(client, trained, selection=part)
    assert "Give the answer" in refused(client, trained, selection=part, answer="")
    assert "found 0 to 99" in refused(client, trained, selection={"start": 0, "end": 99}, answer=trained.answer)
    assert "found 2 to 2" in refused(client, trained, selection={"start": 2, "end": 2}, answer=trained.answer)


def test_top_k_and_the_rate_bound_what_is_returned(client: TestClient, trained: Trained):
    strict = asked(client, trained, answer="=Bee.", false_discovery_rate=1e-9)
    loose = asked(client, trained, answer="=Bee.", false_discovery_rate=0.99)
    one = asked(client, trained, answer="=Bee.", false_discovery_rate=0.99, top_k=1)
    assert strict["results"] == []
    assert len(loose["results"]) > 1
    assert one["results"] == loose["results"][:1]
    assert loose["trust"]["false_discovery_rate"] == 0.99


@pytest.mark.parametrize(
    ("name", "value"),
    [("top_k", 0), ("top_k", 1001), ("false_discovery_rate", 0), ("false_discovery_rate", 1), ("top_k", "5")],
)
def test_numbers_out_of_bounds_are_refused_by_name(client: TestClient, trained: Trained, name: str, value: Any):
    assert refused(client, trained, **{name: value}).startswith(f"{name}: ")


def test_only_a_method_that_the_model_has_an_index_of_is_used(client: TestClient, trained: Trained):
    assert asked(client, trained, method="fisher")["method"] == "fisher"
    assert "no index of the method 'bm25' (it has fisher)" in refused(client, trained, method="bm25")
    assert "A method is one of fisher" in refused(client, trained, method="../index/fisher")


def test_only_a_fine_tuned_model_can_be_asked_about(client: TestClient, trained: Trained):
    assert "No deployed model 'nobody'" in refused(client, trained, 404, model="nobody")
    assert "is a base model" in refused(client, trained, model=BASE)
    assert "question must not be empty" in refused(client, trained, question=" ")


def test_a_list_is_one_page_of_rows(fresh: TestClient):
    with fresh.app.state.service.database.session() as session:
        ids = keep(session, result(pair(1, Level.LOW), pair(2)), result(), result(question="Last?"))
        keep(session, result(), model="another")
    page = fresh.get(ROOT, params={"model": "m", "limit": 2, "offset": 1}).json()
    assert {name: page[name] for name in ("object", "total", "limit", "offset")} == {
        "object": "list",
        "total": 3,
        "limit": 2,
        "offset": 1,
    }
    silent, completion = page["data"]
    assert [silent["id"], completion["id"]] == [ids[1], ids[0]]
    assert (completion["pairs"], completion["top_level"], completion["lift_total"]) == (2, "high", 12.5)
    assert (silent["pairs"], silent["top_level"]) == (0, None)
    assert "results" not in completion
    summary = Page.of(AttributionSummary.of)(page).data[1]
    assert (summary.question, summary.answer, summary.method) == ("Who lives there?", "=Ant.", "fisher")


def test_a_deleted_attribution_is_gone(fresh: TestClient):
    with fresh.app.state.service.database.session() as session:
        first, second = keep(session, result(pair(1)), result(pair(1)))
    gone = fresh.delete(f"{ROOT}/{first}")
    assert gone.json() == {"id": first, "object": "attribution", "deleted": True}
    assert fresh.get(f"{ROOT}/{first}").status_code == 404
    assert fresh.delete(f"{ROOT}/{first}").status_code == 404
    assert [row["id"] for row in fresh.get(ROOT).json()["data"]] == [second]
    assert fresh.get("/v1/whence/pairs/recurring").json()["data"][0]["count"] == 1


def test_groups_are_told_as_the_library_tells_them(client: TestClient, trained: Trained):
    made = asked(client, trained, groups=["file", "duplicates", "topic"], false_discovery_rate=0.9)
    assert asked(client, trained)["groups"] == []
    own = attribute(
        run_of(trained.id),
        trained.question,
        trained.answer,
        false_discovery_rate=0.9,
        groups=("file", "duplicates", "topic"),
    )
    assert [(g["kind"], g["name"], g["size"]) for g in made["groups"]] == [(g.kind, g.name, g.size) for g in own.groups]
    assert own.groups
    assert {m["file_id"] for g in made["groups"] for m in g["members"]} == {trained.file_id}
    assert KeptAttribution.of(made).attribution.groups[0].size == own.groups[0].size
    assert client.get(f"{ROOT}/{made['id']}").json()["groups"] == made["groups"]
    assert refused(client, trained, groups=["line"]).startswith("groups.0: ")


def test_one_answer_is_explained_rather_than_another(client: TestClient, trained: Trained):
    made = asked(client, trained, instead="%%zq[[")
    assert made["instead"] == "%%zq[["
    assert made["results"][0]["line"] == 1
    assert made["lift"]["total"] > asked(client, trained)["lift"]["total"]
    assert made["sentence"].startswith("The preference for this answer over the other one")
    itself = asked(client, trained, instead=trained.answer)
    assert (itself["lift"]["total"], itself["results"]) == (0, [])
    part = {"start": 0, "end": 2}
    assert "two whole answers" in refused(client, trained, answer=trained.answer, instead="No.", selection=part)


def test_the_tokens_of_a_pair_add_up_to_its_score(client: TestClient, trained: Trained):
    made = asked(client, trained)
    pair = made["results"][0]
    response = client.get(f"{ROOT}/{made['id']}/tokens", params={"pair": pair["id"]})
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["id"], found["file_id"], found["line"], found["unit"]) == (pair["id"], trained.file_id, 1, "nats")
    assert "".join(token["text"] for token in found["tokens"]).startswith(trained.answer)
    assert sum(token["score"] for token in found["tokens"]) == pytest.approx(found["score"])
    assert found["score"] == pytest.approx(pair["score"], rel=0.02)
    assert client.get(f"{ROOT}/{made['id']}/tokens").json() == found
    missing = client.get(f"{ROOT}/{made['id']}/tokens", params={"pair": "nobody"})
    assert (missing.status_code, "none has 'nobody'" in missing.text) == (404, True)
    assert client.get(f"{ROOT}/nothing/tokens").status_code == 404
    without = asked(client, trained, false_discovery_rate=1e-9)
    assert "Name the pair" in client.get(f"{ROOT}/{without['id']}/tokens").json()["message"]


def kept(client: TestClient, service: Service, result: dict[str, Any]) -> dict[str, Any]:
    """A kept attribution as it is retrieved."""
    with service.database.session() as session:
        (identity,) = keep(session, {**result, **BESIDE})
    response = client.get(f"{ROOT}/{identity}")
    assert response.status_code == 200, response.text
    return response.json()


BESIDE = {"sentence": "S.", "phases": {"attribute": 0.1}, "system_prompt": None}


def test_an_attribution_with_everything_in_it_is_answered_as_it_was_kept(client: TestClient, service: Service):
    found = kept(client, service, golden.JSON)
    assert found["object"] == "attribution"
    assert {name: value for name, value in found.items() if name not in OWN} == {**golden.JSON, **BESIDE}


def test_an_attribution_of_an_older_version_is_answered(client: TestClient, service: Service):
    found = kept(client, service, golden.OLD)
    assert found["trust"] == {**golden.OLD["trust"], "trajectory": "recorded", "faithfulness": None}
    assert (found["groups"], found["instead"], found["distribution"]) == ([], None, None)
    assert {name: found[name] for name in golden.OLD if name != "trust"} == {
        name: value for name, value in golden.OLD.items() if name != "trust"
    }


OWN = {"id", "object", "created_at", "model", "job_id"}
