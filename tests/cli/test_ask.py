"""`whence ask`."""

from pathlib import Path

import pytest

from tests import golden
from tests.cli.conftest import Whence
from whence.cli.flags import places_of
from whence.training.run import Run

QUESTION = "What is the seedling mode of the lamp called?"
ANSWER = "The seedling mode of the lamp is called Nurvane in the app."
KEYS = {"version", "question", "answer", "generated", "results", "opposing", "method", "unit", "lift", "trust"}


def test_a_given_answer_is_explained_as_json(whence: Whence, indexed: Path) -> None:
    result = whence("ask", indexed, QUESTION, "--answer", ANSWER, "--top", "1", "--json")
    assert (result.code, result.err) == (0, "")
    found = result.json
    assert found.keys() >= KEYS
    assert (found["question"], found["answer"], found["generated"]) == (QUESTION, ANSWER, False)
    assert len(found["results"]) <= 1


def test_the_answer_is_shown_in_80_columns(whence: Whence, indexed: Path) -> None:
    result = whence("ask", indexed, QUESTION, "--answer", ANSWER, "--opposing", "--fdr", "0.5")
    assert result.code == 0
    assert result.out.startswith(f"Q {QUESTION}\nA {ANSWER}\n")
    assert "fisher · false-discovery rate 50%" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


def test_a_missing_index_names_the_command_that_builds_it(whence: Whence, indexed: Path) -> None:
    result = whence("ask", indexed, QUESTION, "--method", "bm25")
    assert result.code == 1
    assert f"whence index {indexed} --method bm25" in " ".join(result.err.split())
    assert not (indexed / "index" / "bm25").exists()


def test_a_missing_run_names_the_command_that_makes_it(whence: Whence, tmp_path: Path) -> None:
    result = whence("ask", tmp_path / "none", QUESTION)
    assert result.code == 1
    assert f"whence train FILE --out {tmp_path / 'none'}" in " ".join(result.err.split())


def test_an_empty_question_is_refused(whence: Whence, indexed: Path) -> None:
    result = whence("ask", indexed, " ", "--answer", "x")
    assert result.code == 1
    assert "question must not be empty" in result.err


def test_a_part_of_the_answer_is_chosen_by_its_text_or_its_place(whence: Whence, indexed: Path) -> None:
    start = ANSWER.index("Nurvane")
    by_text = whence("ask", indexed, QUESTION, "--answer", ANSWER, "--select", "Nurvane", "--json").json
    span = f"{start}:{start + 7}"
    by_place = whence("ask", indexed, QUESTION, "--answer", ANSWER, "--select-range", span, "--json").json
    assert by_text["selection"] == [start, start + 7]
    assert by_text == by_place


def test_a_part_of_the_models_own_answer_may_be_chosen(whence: Whence, indexed: Path) -> None:
    own = whence("ask", indexed, QUESTION, "--json").json["answer"]
    part = next(own[i : i + 3] for i in range(len(own)) if own.count(own[i : i + 3]) == 1)
    found = whence("ask", indexed, QUESTION, f"--select={part}", "--json").json
    assert (found["answer"], found["generated"]) == (own, True)
    assert found["selection"] == [own.index(part), own.index(part) + len(part)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--select", "zebra"], "found 'zebra' nowhere"),
        (["--select", "the"], "found 'the' 2 times"),
        (["--select-range", "3-9"], "found '3-9'"),
        (["--select", "app", "--select-range", "1:2"], "found both"),
        (["--instead", " "], "other answer must not be empty"),
        (["--instead", "x", "--select", "app"], "two whole answers"),
        (["--tokens", "zz"], "none has 'zz'"),
    ],
)
def test_what_cannot_be_chosen_is_refused(whence: Whence, indexed: Path, words: list[str], told: str) -> None:
    result = whence("ask", indexed, QUESTION, "--answer", ANSWER, *words)
    assert result.code == 1
    assert told in " ".join(result.err.split())


def test_places_may_overlap() -> None:
    assert places_of("aa", "aaab") == [0, 1]
    assert places_of("", "ab") == []


def test_groups_a_contrast_and_tokens_are_shown_in_80_columns(whence: Whence, indexed: Path) -> None:
    pair = read_ids(indexed)[0]
    words = ["--groups", "--instead", "It is called Vont.", "--tokens", pair[:8], "--fdr", "0.9"]
    result = whence("ask", indexed, QUESTION, "--answer", ANSWER, *words)
    assert result.code == 0, result.err
    assert "rather than: It is called Vont." in result.out
    assert "token by token" in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    told = whence("ask", indexed, QUESTION, "--answer", ANSWER, *words, "--json").json
    assert told["instead"] == "It is called Vont."
    assert told["tokens"]["id"] == pair
    assert "".join(token["text"] for token in told["tokens"]["tokens"]).startswith(ANSWER)


def read_ids(run: Path) -> list[str]:
    return Run.open(run).examples.ids()


def test_the_json_of_an_attribution_with_everything_in_it(
    whence: Whence, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whence.pipeline.explain", lambda *_, **__: golden.ATTRIBUTION)
    monkeypatch.setattr("whence.pipeline.explain_pair", lambda *_, **__: golden.TOKENS)
    result = whence("ask", indexed, QUESTION, "--answer", ANSWER, "--tokens", "pair-1", "--json")
    assert result.json == {**golden.JSON, "tokens": golden.TOKENS_JSON}
