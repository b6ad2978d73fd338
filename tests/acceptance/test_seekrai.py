"""SeekrFlow's official client, unmodified, against a running service: its workflow, and every quirk of its wire."""

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import run_checks

pytestmark = pytest.mark.process

OLDER = ("0.5.17", "0.7.0", "0.14.0", "0.23.0")
CHECKS = Path(__file__).parent / "clients"


def names_in(module: str, kind: str) -> list[str]:
    tree = ast.parse((CHECKS / f"{module}_checks.py").read_text("utf-8"))
    functions = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return [function for function in functions if function.startswith(kind)]


@pytest.mark.parametrize("check", names_in("seekrai", "check_"))
def test_newest_client(check: str, outcomes: dict[str, str | None]) -> None:
    assert outcomes[check] is None, outcomes[check]


@pytest.mark.parametrize("version", OLDER)
def test_older_clients(version: str, context: dict[str, Any], outcomes: dict[str, Any], tmp_path: Path) -> None:
    found = run_checks("older_seekrai", version, context, tmp_path)
    assert set(found.values()) == {None}, found


@pytest.mark.model
@pytest.mark.parametrize("check", names_in("seekrai", "trace_"))
def test_newest_client_traces_what_was_learned(check: str, traced: dict[str, str | None]) -> None:
    assert traced[check] is None, traced[check]


@pytest.mark.model
@pytest.mark.parametrize("version", OLDER)
def test_older_clients_trace_it_too(version: str, real: dict[str, Any], traced: dict[str, Any], tmp_path: Path) -> None:
    found = run_checks("older_seekrai", version, real, tmp_path)
    assert set(found.values()) == {None}, found
