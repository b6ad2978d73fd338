"""Every route is described: in its summary, its description, its name, and the errors that it may answer with."""

from collections import Counter
from typing import Any

import pytest
from fastapi import FastAPI

from whence.api.app import include

UNCHECKED = ("/healthz", "/readyz", "/metrics")
"""Routes that anybody may call."""


def operations() -> list[tuple[str, dict[str, Any]]]:
    app = FastAPI()
    include(app)
    paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
    return [(f"{method.upper()} {path}", one) for path, item in paths.items() for method, one in item.items()]


OPERATIONS = operations()
described = pytest.mark.parametrize("operation", [one for _, one in OPERATIONS], ids=[name for name, _ in OPERATIONS])


@described
def test_a_route_has_a_summary_and_a_description_that_ends(operation: dict[str, Any]):
    assert operation["summary"].strip()
    assert not operation["summary"].endswith(".")
    assert operation["description"].strip()[-1] in ".:`"
    assert len(operation["tags"]) == 1


@described
def test_a_route_says_what_its_errors_look_like(operation: dict[str, Any]):
    answers = operation["responses"]
    assert "422" not in answers  # what is unsound is answered with 400
    for status in ("400", "401", "404", "409", "413", "429", "503"):
        (content,) = answers[status]["content"].values()
        assert content["schema"]["$ref"].rpartition("/")[2] in ("ErrorBody", "OpenAIErrorBody")


@described
def test_a_route_says_what_it_answers(operation: dict[str, Any]):
    assert all(content.get("schema") != {} for content in operation["responses"]["200"]["content"].values())


def test_the_names_of_operations_are_words_and_belong_to_one_route_each():
    names = Counter(one["operationId"] for _, one in OPERATIONS)
    assert [name for name, count in names.items() if count > 1] == []
    assert all(name.isidentifier() and name == name.lower() for name in names)
    assert not any("_v1_" in name for name in names)  # that would be one that FastAPI made up


def test_every_route_but_those_of_operations_asks_for_a_key():
    open_to_all = [name.partition(" ")[2] for name, one in OPERATIONS if not one.get("security")]
    assert open_to_all == list(UNCHECKED)
