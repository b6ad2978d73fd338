"""The unmodified official client of SeekrFlow against a running service: its whole workflow, and every quirk of its wire."""

import ast
from pathlib import Path

import pytest

from tests.acceptance.conftest import ANSWER, QUESTION, Running, run_checks

NEWEST = "0.35.1"
OLDER = ("0.5.17", "0.7.0", "0.14.0", "0.23.0")
CHECKS = Path(__file__).parent / "clients"


def checks_in(name: str) -> list[str]:
    tree = ast.parse((CHECKS / f"{name}_checks.py").read_text("utf-8"))
    functions = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return [function for function in functions if function.startswith("check_")]


@pytest.fixture(scope="session")
def context(service: Running, twelve: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return {
        "url": service.url,
        "key": service.key,
        "data": str(twelve),
        "pairs": 12,
        "model": "tiny-llama",
        "epochs": 20,
        "rate": 1e-2,
        "question": QUESTION,
        "answer": ANSWER,
        "folder": str(tmp_path_factory.mktemp("client")),
    }


@pytest.fixture(scope="session")
def outcomes(context: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    return run_checks("seekrai", NEWEST, context, tmp_path_factory.mktemp("checks"))


@pytest.mark.parametrize("check", checks_in("seekrai"))
def test_newest_client(check: str, outcomes: dict[str, str | None]) -> None:
    assert outcomes[check] is None, outcomes[check]


@pytest.mark.parametrize("version", OLDER)
def test_older_clients_ask_and_attribute(
    version: str, context: dict[str, object], outcomes: object, tmp_path: Path
) -> None:
    """Each speaks of the deployment that the newest client made, with a base address with and without `/v1`."""
    found = run_checks("older_seekrai", version, context, tmp_path)
    assert set(found.values()) == {None}, found
