"""Help, versions and exit codes; and that showing help costs nothing."""

import subprocess
from collections.abc import Callable

import pytest

from tests.cli.conftest import Whence
from whence.cli import main
from whence.errors import DataError, Fault

COMMANDS = ["", *main.COMMANDS, "models list", "models pull", "keys create", "keys list", "keys revoke"]
HEAVY = {"torch", "transformers", "peft", "pyarrow", "numpy", "datasets", "huggingface_hub"}

Python = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_80_columns(command: str, whence: Whence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    result = whence(*command.split(), "--help")
    assert result.code == 0
    assert f"Usage: whence {command}".strip() in result.out
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("command", list(main.COMMANDS))
def test_every_option_and_command_has_its_help(command: str, whence: Whence) -> None:
    result = whence(command, "--help")
    for line in result.out.splitlines():
        if line.startswith("│ --"):
            assert "  " in line.strip("│ ").strip(), line
    if command not in main.PLACES:  # those have commands of their own
        assert "--json" in result.out


def test_root_help_names_every_command_with_its_summary(whence: Whence) -> None:
    out = whence("--help").out
    for name, (summary, _) in main.COMMANDS.items():
        assert any(name in line and summary in line for line in out.splitlines())


@pytest.mark.parametrize("words", ["--help", "train --help", "ask --help", "models list --json"])
def test_help_and_models_list_load_nothing_heavy(words: str, python: Python) -> None:
    program = f"""
import sys
from whence.cli.main import main
code = main({words.split()})
found = sorted({HEAVY} & set(sys.modules))
sys.exit(f"loaded {{found}}" if found else code)
"""
    done = python(program)
    assert done.returncode == 0, done.stderr


def test_help_loads_few_modules(python: Python) -> None:
    program = """
import sys
from whence.cli.main import main
main(["--help"])
print(len(sys.modules))
"""
    loaded = int(python(program).stdout.splitlines()[-1])
    assert loaded < 300, "each takes a millisecond: what is new is imported where it is needed"


def test_no_words_show_the_help(whence: Whence) -> None:
    result = whence()
    assert result.code == 0
    assert "Usage: whence" in result.out


def test_version_is_one_line(whence: Whence) -> None:
    import whence as package

    result = whence("--version")
    assert (result.code, result.out.strip()) == (0, package.__version__)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("chek", 'Did you mean "check"'),
        ("train", "whence train --help"),
        ("train x --epochs many", "--epochs"),
        ("train x --epochs 0", ">= 1"),
        ("ask run question --fdr 2", "< 1"),
        ("ask run question --unknown", "--unknown"),
        ("index", "Give a RUN"),
        ("index run --out there", "give RUN alone"),
    ],
)
def test_wrong_usage_exits_2_and_says_where_help_is(words: str, hint: str, whence: Whence) -> None:
    result = whence(*words.split())
    assert (result.code, result.out) == (2, "")
    assert hint in result.err
    assert "--help" in result.err
    assert max(map(len, result.err.splitlines())) <= 80


def test_an_interrupt_exits_130_and_says_how_to_go_on(whence: Whence, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(words: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "run", interrupted)
    result = whence("demo")
    assert (result.code, result.err.strip()) == (130, "Stopped. Run the same command again to resume.")


def test_an_error_of_the_user_exits_1_without_a_traceback(whence: Whence, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(words: object) -> int:
        raise DataError("Rule, value, fix.", (Fault("f", 1, "rule", "value", "fix"),))

    monkeypatch.setattr(main, "run", failed)
    result = whence("demo")
    assert (result.code, result.out, result.err) == (1, "", "Rule, value, fix.\n")


def test_a_defect_keeps_its_traceback(whence: Whence, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(words: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "run", broken)
    with pytest.raises(ZeroDivisionError):
        whence("demo")


def test_a_reader_that_has_seen_enough_is_no_defect(python: Python) -> None:
    program = """
import os, sys
read, write = os.pipe()
os.close(read)
os.dup2(write, 1)
from whence.cli.main import main
sys.exit(main(["--help"]))
"""
    done = python(program)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
