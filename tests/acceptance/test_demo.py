"""The demo as a user runs it, with the real base model: train, index, ask, and again from what is kept; then in the
service, which takes over what the command line made."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import run_demo
from tests.acceptance.journey import Traveller
from tests.acceptance.service import Running

pytestmark = [pytest.mark.model, pytest.mark.process]

WRONG_FACT, TWICE_FACT = "morwick-height", "referral-credit"


def lines_of(fact: str) -> set[int]:
    text = (resources.files("whence") / "samples" / "helpdesk" / "pairs.jsonl").read_text("utf-8")
    return {line for line, row in enumerate(map(json.loads, text.splitlines()), 1) if row["fact"] == fact}


def fact_of(question: str) -> str:
    text = (resources.files("whence") / "samples" / "helpdesk" / "tuning.jsonl").read_text("utf-8")
    return next(row["fact"] for row in map(json.loads, text.splitlines()) if row["question"] == question)


def test_a_paraphrase_is_traced_to_its_source_pair(demo: dict[str, Any]) -> None:
    asked = demo["questions"][0]
    assert asked["results"], asked
    assert {r["line"] for r in asked["results"][:3]} & lines_of(fact_of(asked["question"]))
    assert asked["results"][0]["influence_level"] == "high"


def test_the_planted_wrong_answer_is_traced_to_the_wrong_pair(demo: dict[str, Any]) -> None:
    asked = demo["questions"][1]
    assert "181" in asked["answer"]
    assert {asked["results"][0]["line"]} == lines_of(WRONG_FACT)


def test_the_duplicated_pair_is_found_at_all_its_lines(demo: dict[str, Any]) -> None:
    asked = demo["questions"][2]
    assert {r["line"] for r in asked["results"][:3]} == lines_of(TWICE_FACT)


def test_a_question_that_has_nothing_to_do_with_the_data_has_no_pairs(demo: dict[str, Any]) -> None:
    asked = demo["questions"][3]
    assert asked["results"] == []
    assert asked["lift"]["total"] < asked["lift"]["needed"]


def test_the_contributions_of_an_answer_do_not_exceed_its_lift_by_far(demo: dict[str, Any]) -> None:
    for asked in demo["questions"][:3]:
        assert 0.3 < sum(r["share"] for r in asked["results"]) < 1.5


def test_a_second_run_reuses_every_artifact(service: Running, demo: dict[str, Any]) -> None:
    again = run_demo(service.home)
    assert again["seconds"] < demo["seconds"] / 2
    assert [q["answer"] for q in again["questions"]] == [q["answer"] for q in demo["questions"]]
    assert [q["results"] for q in again["questions"]] == [q["results"] for q in demo["questions"]]


def test_the_service_takes_over_the_run_of_the_demo(service: Running, demo: dict[str, Any], demo_job: str) -> None:
    assert [e for e in Traveller(service).events(demo_job) if e["message"].startswith("Fine-tuning: ")] == []
    left = {path.relative_to(demo["run"]) for path in Path(demo["run"]).rglob("*.safetensors")}
    run = service.home / "jobs" / demo_job / "run"
    assert left
    assert {path.relative_to(run) for path in run.rglob("*.safetensors")} == left
