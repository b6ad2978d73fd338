"""`whence evaluate`."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Whence
from whence.cli.evaluate import table
from whence.cli.output import console

FEW = ("--retrainings", "3", "--methods", "bm25")


@pytest.fixture(scope="module", autouse=True)
def no_encoder():
    from whence.errors import ModelError
    from whence.methods.embedding import Embedding

    def nowhere(*_: object) -> None:
        raise ModelError("It cannot be downloaded.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Embedding, "build", nowhere)
        yield


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "queries.jsonl"
    rows = [{"question": "How tall is it?", "answer": "It is tall."}, {"question": "Who came?", "answer": "All."}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_dry_run_tells_the_cost_and_makes_nothing(whence: Whence, trained: Path, queries: Path) -> None:
    before = sorted(trained.rglob("*"))
    words = ("evaluate", trained, *FEW, "--queries", queries, "--removal", "1,2", "--dry-run")
    result = whence(*words, "--standard-error", "0.05")
    assert result.code == 0
    assert "19 retrainings, 19 still to run (at most 16 for removals" in " ".join(result.out.split())
    assert "measured on the run's own training" in " ".join(result.out.split())
    assert "predicted once 16 retrainings have run" in " ".join(result.err.split())
    price = whence(*words, "--json").json["cost"]
    assert (price["retrainings"], price["missing"], price["more"]) == (19, 19, 16)
    assert price["seconds"] > 0
    assert sorted(trained.rglob("*")) == before


def test_an_evaluation_is_shown_and_its_report_copied(
    whence: Whence, trained: Path, queries: Path, tmp_path: Path
) -> None:
    words = ("evaluate", trained, *FEW, "--queries", queries)
    out = tmp_path / "copy"
    result = whence(*words, "--out", out)
    assert result.code == 0
    assert "retrainings: 3 of 3 runs" in result.err
    assert "Faithfulness" in result.out
    assert max(map(len, result.out.splitlines()[:-1])) <= 80
    assert result.out.splitlines()[-1] == f"Report: {out / 'report.html'}"
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.json", "report.md"]
    again = whence(*words, "--json")
    assert again.err == ""
    assert again.json["report"] == str(trained / "evaluation" / "report-1")
    assert {m["name"] for m in again.json["evaluation"]["methods"]} == {"bm25", "random", "grad_cos"}
    assert again.json["cost"]["missing"] == 0


def test_numbers_that_are_none_are_misuse(whence: Whence, trained: Path) -> None:
    result = whence("evaluate", trained, "--removal", "1,some")
    assert result.code == 2
    assert "--removal takes numbers of pairs" in result.err


def test_bad_questions_stop_it_before_anything_is_trained(whence: Whence, trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"question": ""}\n', "utf-8")
    before = sorted(trained.rglob("*"))
    result = whence("evaluate", trained, "--queries", path)
    assert result.code == 1
    assert "bad.jsonl:1" in result.err
    assert sorted(trained.rglob("*")) == before


def test_a_table_of_every_kind_keeps_each_number_on_one_line() -> None:
    header = ["method", "all", "paraphrase", "training", "held-out", "wrong", "± retrainings"]
    rows = [header, ["embedding", *["-0.71 ± 0.05"] * 5, "0.04"]]
    shown = console()
    with shown.capture() as caught:
        shown.print(table("Faithfulness", "What it says.", rows))
    assert caught.get().count("-0.71±0.05") == 5
    assert max(map(len, caught.get().splitlines())) <= 80
