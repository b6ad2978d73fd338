"""`whence audit`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Whence
from whence.auditing import effects, prepare

QUESTION = "How tall is the lamp?"
ASKED = ("--answer", "Very tall.", "--pairs", "1", "--groups", "none", "--force")
WORDS = ("--seeds", "1", *ASKED)


@pytest.fixture(scope="module", autouse=True)
def brief() -> Iterator[None]:
    """Short answers: the tiny model goes on talking."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effects, "ANSWER_TOKENS", 6)
        yield


def test_a_dry_run_tells_the_cost_and_makes_nothing(whence: Whence, indexed: Path) -> None:
    before = sorted(indexed.rglob("*"))
    result = whence("audit", indexed, QUESTION, *ASKED, "--seeds", "3", "--exact", "--dry-run")
    assert result.code == 0
    said = " ".join(result.out.split())
    assert said.startswith("Without pair ten.jsonl:")
    assert "with 3 seeds: 8 retrainings, 8 still to run: about" in said
    assert "replays the training 10 times" in said
    price = whence("audit", indexed, QUESTION, *WORDS, "--dry-run", "--json").json
    assert (price["cost"]["retrainings"], price["cost"]["missing"], price["cost"]["replays"]) == (2, 2, 0)
    assert price["cost"]["seconds"] > 0
    assert len(price["left_out"]) == 2
    assert sorted(indexed.rglob("*")) == before


def test_an_audit_is_told_in_sentences_and_written(whence: Whence, indexed: Path, tmp_path: Path) -> None:
    result = whence("audit", indexed, QUESTION, *WORDS, "--out", tmp_path / "out")
    assert result.code == 0
    assert "retrainings: 2 of 2 runs" in result.err
    lines = result.out.splitlines()
    assert lines[0] == "Very tall."
    assert "One seed cannot tell whether" in " ".join(lines)
    assert max(map(len, lines[:-1])) <= 80
    assert lines[-1] == f"Report: {tmp_path / 'out' / 'report.html'}"
    assert {"audit.json", "report.html", "report.md", "manifest.json"} == {p.name for p in (tmp_path / "out").iterdir()}
    again = whence("audit", indexed, QUESTION, *WORDS, "--out", tmp_path / "out", "--json")
    assert again.err == ""
    assert again.json["audit"] == json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))["audit"]
    assert (again.json["cost"]["missing"], again.json["report"]) == (0, str(tmp_path / "out"))


def test_where_nothing_stands_out_it_says_so_and_costs_nothing(
    whence: Whence, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepare.verdicts
    monkeypatch.setattr(prepare, "verdicts", lambda evidence, asked, rate, _: whole(evidence, asked, 1e-300))
    result = whence("audit", indexed, QUESTION, *WORDS[:-1], "--dry-run")
    assert " ".join(result.out.split()) == (
        "No pair stands out, so nothing is retrained. With --force, the top pairs are left out anyway."
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((" ",), "The question must not be empty"),
        ((QUESTION, "--groups", "town"), "An audit leaves out a file or a topic"),
        ((QUESTION, "--answer", "Yes.", "--select", "No"), "must occur exactly once in the answer"),
    ],
)
def test_what_cannot_be_audited_is_told(whence: Whence, indexed: Path, words: tuple[str, ...], said: str) -> None:
    result = whence("audit", indexed, *words)
    assert result.code == 1
    assert said in " ".join(result.err.split())


def test_a_run_without_an_index_names_the_command_that_builds_one(
    whence: Whence, trained: Path, tmp_path: Path
) -> None:
    result = whence("audit", trained, QUESTION, "--method", "bm25")
    assert result.code == 1
    assert f"whence index {trained} --method bm25" in " ".join(result.err.split())
