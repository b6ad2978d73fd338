"""What goes to standard output."""

import io
import json
import math

import pytest
from rich.console import Console
from rich.padding import Padding

from whence.cli.output import console, print_json, show


def test_json_has_no_numbers_that_json_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [math.nan, 1.5, (math.inf, "é\x1b")], "b": {"c": -math.inf}})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.5, [None, "é\x1b"]], "b": {"c": None}}


def test_the_console_is_80_wide_on_wider_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert console().width == 80
    monkeypatch.setenv("COLUMNS", "60")
    assert console().width == 60


def test_lines_are_not_padded_in_a_file() -> None:
    file = io.StringIO()
    show(Padding("text", (0, 0, 0, 2)), Console(file=file, width=40))
    assert file.getvalue() == "  text\n"
