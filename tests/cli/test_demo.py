"""`whence demo`, on ten pairs of its sample and a tiny model."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Whence
from whence.cli import demo
from whence.cli.demo import put_data
from whence.data.sample import sample, sample_questions
from whence.training import recipe


def test_the_sample_has_pairs_and_four_questions_with_titles() -> None:
    assert len(sample("pairs.jsonl").splitlines()) > 100
    assert len(sample_questions()) == 4
    assert all(item["title"] and item["question"] for item in sample_questions())


def test_the_data_are_written_once(tmp_path: Path) -> None:
    path = put_data(tmp_path / "demo")
    assert (path.name, path.read_text("utf-8")) == ("faq.jsonl", sample("pairs.jsonl"))
    before = path.stat().st_mtime_ns
    assert put_data(tmp_path / "demo").stat().st_mtime_ns == before


@pytest.mark.usefixtures("few_controls")
def test_the_whole_way_twice(
    whence: Whence, home: Path, base: Path, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"pairs.jsonl": pairs.read_text("utf-8"), "demo.json": sample("demo.json")}
    monkeypatch.setattr(demo, "sample", files.__getitem__)
    monkeypatch.setattr(recipe, "EPOCHS", (1, 1))
    first = whence("demo", "--base-model", base)
    assert first.code == 0, first.err
    for item in json.loads(files["demo.json"])["questions"]:
        assert item["title"] in first.out
        assert f"Q {item['question']}" in first.out
    assert f"whence ask {home / 'demo' / 'run'}" in first.out
    second = whence("demo", "--base-model", base, "--json")
    assert (second.code, second.err) == (0, "")
    found = second.json
    assert (found["run"], len(found["questions"])) == (str(home / "demo" / "run"), 4)
    assert found["questions"][0]["title"] == "a paraphrase of a training question"
