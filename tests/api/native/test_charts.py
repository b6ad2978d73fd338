"""Charts of attributions and runs, and what of an answer stands word for word in the pairs."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pyarrow import parquet

from tests.api.conftest import Trained
from tests.api.native.test_attributions import ROOT, asked
from tests.figures.vegalite import assert_valid
from tests.platform.attributions import job_of, keep, result
from whence.client.attributions import VerbatimSpan
from whence.pipeline import Index, score
from whence.platform.events import add_event
from whence.platform.jobs import run_of
from whence.platform.keys import default_team
from whence.types import Query


def test_the_chart_shows_the_scores_of_all_pairs(client: TestClient, trained: Trained):
    made = asked(client, trained)
    chart = client.get(f"{ROOT}/{made['id']}/charts/distribution").json()
    assert_valid(chart)
    rows = chart["data"]["values"]
    own = score(Index.open(run_of(trained.id)), [Query.of(trained.question, trained.answer)])[0]
    edges = made["distribution"]["edges"]
    assert [row["lo"] for row in rows] == edges[:-1]
    assert [row["count"] for row in rows] == np.histogram(own, edges)[0].tolist()
    assert [row["null"] for row in rows] == made["distribution"]["null"]
    marks = next(layer["data"]["values"] for layer in chart["layer"] if layer["mark"]["type"] == "point")
    assert marks[0] == {"lo": made["results"][0]["score"], "count": 1, "pair": "pairs.jsonl:1"}


def test_a_distribution_is_there_where_fine_tuning_contributed_nothing(client: TestClient, trained: Trained):
    nothing = asked(client, trained, question="1+1?", answer="%%zq[[")
    assert nothing["results"] == []
    assert sum(nothing["distribution"]["counts"]) == 12


def test_two_answers_are_drawn_back_to_back(client: TestClient, trained: Trained):
    one, other = asked(client, trained), asked(client, trained, answer="=Bee.")
    target = f"{ROOT}/{one['id']}/charts/mirrored"
    chart = client.get(target, params={"other": other["id"]}).json()
    assert_valid(chart)
    sides = {row["answer"] for row in chart["data"]["values"]}
    assert sides == {trained.answer, "=Bee."}
    assert sum(row["signed"] for row in chart["data"]["values"]) == 0  # as many pairs on either side
    again = client.get(target, params={"other": one["id"]}).json()
    assert {row["answer"] for row in again["data"]["values"]} == {f"1: {trained.answer}", f"2: {trained.answer}"}
    assert client.get(target, params={"other": "nobody"}).status_code == 404
    assert client.get(target).status_code == 400


def test_attributions_of_older_versions_have_no_chart(fresh: TestClient):
    with fresh.app.state.service.database.session() as session:
        (old,) = keep(session, {name: value for name, value in result().items() if name != "distribution"})
    assert fresh.get(f"{ROOT}/{old}").json()["distribution"] is None
    for kind in ("distribution", f"mirrored?other={old}"):
        refused = fresh.get(f"{ROOT}/{old}/charts/{kind}")
        assert (refused.status_code, "Explain its answer again" in refused.text) == (409, True)


def test_the_loss_of_a_finished_run_is_that_of_its_trace(client: TestClient, trained: Trained):
    chart = client.get(f"/v1/whence/runs/{trained.id}/charts/loss").json()
    assert_valid(chart)
    rows: list[dict[str, Any]] = parquet.read_table(run_of(trained.id) / "trace" / "steps.parquet").to_pylist()
    assert len(rows) > 10
    assert chart["data"]["values"] == [
        {name: row[name] for name in ("step", "loss", "learning_rate")} for row in rows if row["loss"] is not None
    ]


def test_the_loss_of_a_run_at_work_is_that_of_its_events(fresh: TestClient):
    with fresh.app.state.service.database.session() as session:
        job = job_of(session, default_team(session))
    target = f"/v1/whence/runs/{job}/charts/loss"
    assert (fresh.get(target).status_code, fresh.get("/v1/whence/runs/nobody/charts/loss").status_code) == (409, 404)
    with fresh.app.state.service.database.session() as session:
        for step, loss in ((1, 3.0), (2, 2.0), (3, 1.5), (2, 2.5)):  # killed after 3, resumed after 1
            add_event(session, job, "fine-tuning", "", numbers={"step": step, "loss": loss})
        add_event(session, job, "fine-tuning", "no loss", numbers={"step": 4, "loss": float("nan")})
    chart = fresh.get(target).json()
    assert_valid(chart)
    assert [(v["step"], v["loss"]) for v in chart["data"]["values"]] == [(1, 3.0), (2, 2.5), (3, 1.5)]


@pytest.mark.parametrize("answer", ["given", "of nobody"])
def test_what_stands_word_for_word_in_pairs_is_found(client: TestClient, trained: Trained, answer: str):
    words = trained.question.strip("?") if answer == "given" else "Nothing of this stands there."
    made = asked(client, trained, answer=f"So: {words.upper()}!")
    found = client.get(f"{ROOT}/{made['id']}/verbatim").json()["spans"]
    if answer != "given":
        assert found == []
        return
    read = VerbatimSpan.of(found[0])
    assert read.text == words.upper()
    assert made["answer"][read.start : read.end] == read.text
    assert (read.count, read.pairs[0].file_id, read.pairs[0].line) == (1, trained.file_id, 1)


def test_verbatim_needs_an_attribution_that_is_there(client: TestClient):
    assert client.get(f"{ROOT}/nobody/verbatim").status_code == 404
