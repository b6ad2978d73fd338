"""`whence ask`."""

from pathlib import Path

from tests.cli.conftest import Whence

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
