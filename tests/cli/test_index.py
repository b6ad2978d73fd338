"""`whence index`, of a run and of a model that somebody else trained."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Whence


def test_a_finished_index_is_told_and_what_comes_next(whence: Whence, indexed: Path) -> None:
    result = whence("index", indexed)
    assert result.code == 0
    assert "fisher index of 11 pairs" in result.out
    assert result.out.splitlines()[-1] == f"Next: whence ask {indexed} 'Your question?'"


@pytest.mark.usefixtures("few_controls")
def test_a_foreign_adapter_is_indexed(whence: Whence, trained: Path, base: Path, pairs: Path, tmp_path: Path) -> None:
    words = ("--base-model", base, "--adapter", trained / "adapter", "--data", pairs, "--out", tmp_path / "theirs")
    result = whence("index", *words, "--method", "bm25", "--no-stand-in", "--json")
    assert (result.code, result.err) == (0, "")
    assert result.json["run"] == str(tmp_path / "theirs")
    assert (tmp_path / "theirs" / "index" / "bm25" / "manifest.json").is_file()
    assert "stand_in" not in json.loads((tmp_path / "theirs" / "manifest.json").read_text("utf-8"))["config"]


@pytest.mark.usefixtures("few_controls")
def test_a_stand_in_is_trained_with_its_cost_told_before_and_the_answer_says_so(
    whence: Whence, trained: Path, base: Path, pairs: Path, tmp_path: Path
) -> None:
    words = ("--base-model", base, "--adapter", trained / "adapter", "--data", pairs, "--out", tmp_path / "theirs")
    result = whence("index", *words, "--epochs", "2", "--learning-rate", "0.01")
    assert result.code == 0
    told, trains = result.err.index("2 epochs of 11 pairs, about"), result.err.index("fine-tuning: ")
    assert told < trains
    assert "times as much on its pairs as the stand-in did." in result.out
    recipe = json.loads((tmp_path / "theirs" / "manifest.json").read_text("utf-8"))["config"]["stand_in"]
    assert (recipe["epochs"], recipe["learning_rate"]) == (2, 0.01)
    again = whence("index", *words, "--epochs", "2", "--learning-rate", "0.01")
    assert "fine-tuning" not in again.err
    assert "epochs of" not in again.err
    answer = whence("ask", tmp_path / "theirs", "Who?", "--answer", "Ann.")
    assert "fisher · stand-in trajectory · false-discovery rate" in answer.out
    assert (
        whence("ask", tmp_path / "theirs", "Who?", "--answer", "Ann.", "--json").json["trust"]["trajectory"]
        == "stand-in"
    )


@pytest.mark.parametrize("words", [("--no-stand-in",), ("--trace", "trace"), ("--checkpoint", "one")])
def test_a_recipe_without_a_stand_in_is_misuse(
    whence: Whence, trained: Path, base: Path, pairs: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    given = ("--base-model", base, "--adapter", trained / "adapter", "--data", pairs, "--out", tmp_path / "theirs")
    result = whence("index", *given, "--epochs", "2", *words)
    assert result.code == 2
    assert "Only a stand-in has epochs" in result.err
    assert whence("index", trained, "--no-stand-in").code == 2


def test_an_unknown_method_is_an_error(whence: Whence, trained: Path) -> None:
    result = whence("index", trained, "--method", "magic8")
    assert result.code == 1
    assert "magic8" in result.err
