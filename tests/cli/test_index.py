"""`whence index`, of a run and of a model that somebody else trained."""

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
    result = whence("index", *words, "--method", "bm25", "--json")
    assert (result.code, result.err) == (0, "")
    assert result.json["run"] == str(tmp_path / "theirs")
    assert (tmp_path / "theirs" / "index" / "bm25" / "manifest.json").is_file()


def test_an_unknown_method_is_an_error(whence: Whence, trained: Path) -> None:
    result = whence("index", trained, "--method", "magic8")
    assert result.code == 1
    assert "magic8" in result.err
