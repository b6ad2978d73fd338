"""`whence check`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Whence


def test_counts_tokens_and_estimates_with_the_base_model(whence: Whence, pairs: Path, base: Path) -> None:
    result = whence("check", pairs, "--base-model", base, "--json")
    found = result.json
    assert (result.code, result.err) == (0, "")
    assert (found["rows"], found["examples"], found["valid"]) == (11, 11, True)
    assert found["tokens"]["total"] > found["tokens"]["answers"] > 0
    assert found["duplicates"] == [[{"file": "ten.jsonl", "line": 1}, {"file": "ten.jsonl", "line": 11}]]
    assert found["estimate"]["seconds"] > 0
    assert found["estimate"]["disk_bytes"] > 11 * 2 * 3 * 4096


def test_says_how_to_count_tokens_where_the_model_is_not_here(whence: Whence, pairs: Path, home: Path) -> None:
    result = whence("check", pairs)
    assert result.code == 0
    assert "  whence models pull smollm2-135m-instruct" in result.out.splitlines()
    assert not home.exists()


def test_lists_every_bad_line_and_exits_1(whence: Whence, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"question": "a", "answer": "b"}\nnot json\n{"question": "a"}\n', "utf-8")
    result = whence("check", path)
    assert result.code == 1
    assert "bad.jsonl:2:" in result.out
    assert "bad.jsonl:3:" in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    found = whence("check", path, "--json")
    assert (found.code, found.json["valid"], found.json["fault_count"]) == (1, False, 2)


@pytest.mark.parametrize("name", ["nonsense", "a/b/c"])
def test_a_name_that_means_nothing_is_an_error(name: str, whence: Whence, pairs: Path) -> None:
    result = whence("check", pairs, "--base-model", name)
    assert result.code == 1
    assert name in result.err
