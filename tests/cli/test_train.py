"""`whence train`."""

import json
from pathlib import Path

from tests.cli.conftest import Whence
from whence.training.recipe import SMOOTH_RATE, SMOOTH_WARMUP


def test_a_finished_run_is_told_and_what_comes_next(whence: Whence, trained: Path, base: Path, pairs: Path) -> None:
    words = f"--base-model {base} --out {trained} --epochs 1 --rank 2".split()
    result = whence("train", pairs, *words)
    assert result.code == 0
    assert result.out.splitlines()[-1] == f"Next: whence index {trained}"
    assert "11 pairs in 2 steps" in " ".join(result.out.split())
    found = whence("train", pairs, *words, "--json").json
    assert (found["run"], found["config"]["rank"], found["facts"]["examples"]) == (str(trained), 2, 11)


def test_another_recipe_does_not_overwrite_a_run(whence: Whence, trained: Path, base: Path, pairs: Path) -> None:
    result = whence("train", pairs, "--base-model", base, "--out", trained, "--rank", "3", "--epochs", "1")
    assert result.code == 1
    assert "another rank" in " ".join(result.err.split())


def test_bad_data_are_told_as_json(whence: Whence, tmp_path: Path, base: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("nonsense\n", "utf-8")
    result = whence("train", path, "--base-model", base, "--out", tmp_path / "run", "--json")
    error = json.loads(result.err)["error"]
    assert (result.code, result.out, error["kind"]) == (1, "", "DataError")
    assert [fault["line"] for fault in error["faults"]] == [1]


def test_a_smooth_training_goes_in_smaller_steps(whence: Whence, base: Path, pairs: Path, tmp_path: Path) -> None:
    words = f"--base-model {base} --out {tmp_path / 'run'} --epochs 1 --rank 2 --smooth --json".split()
    config = whence("train", pairs, *words).json["config"]
    assert (config["learning_rate"], config["warmup"]) == (SMOOTH_RATE, SMOOTH_WARMUP)
