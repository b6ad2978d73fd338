"""Random requests, sound and unsound, to every operation of the OpenAPI document: each answer is as the document says.

Each request is sent as it was drawn, and again with ids and models that exist. `--repetitions 20` sends more of them.
"""

from typing import Any

import pytest
import requests
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import ADDRESS, BASE, Trained
from tests.api.existing import Existing
from whence.api.app import include

EXAMPLES = 6
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
LONGEST = 4
"""Tokens of an answer: what is tested is the request."""


def document() -> dict[str, Any]:
    app = FastAPI()
    include(app)
    return app.openapi()


SCHEMA = schemathesis.openapi.from_dict(document())
LABELS = [found.ok().label for found in SCHEMA.get_all_operations()]


@pytest.fixture
def existing(client: TestClient, trained: Trained) -> Existing:
    return Existing(client, trained)


@pytest.fixture(autouse=True)
def answering_again(existing: Existing):
    """The model of the session's job answers again after an operation took it away."""
    yield
    existing.job()


@pytest.mark.parametrize("label", LABELS)
def test_answers_as_documented(label: str, client: TestClient, existing: Existing, repetitions: int) -> None:
    operation = SCHEMA.find_operation_by_label(label)
    assert operation is not None
    modes = schemathesis.GenerationMode

    for mode in (modes.POSITIVE, modes.NEGATIVE):
        if mode is modes.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
            continue  # nothing in it can be unsound

        @settings(
            max_examples=EXAMPLES * repetitions,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: schemathesis.Case) -> None:
            bounded(case.body)
            case.validate_response(sent(client, case), checks=CHECKS)
            with_what_exists(case, existing)
            case.validate_response(sent(client, case), checks=CHECKS)

        answers()


def sent(client: TestClient, case: schemathesis.Case) -> Any:
    """The answer to a case, whose bytes are those that a client would send."""
    wire = requests.Request(**case.as_transport_kwargs(base_url=ADDRESS)).prepare()
    assert wire.url
    assert wire.method
    body: Any = wire.body
    return client.request(wire.method, wire.url, headers=dict(wire.headers), content=body)


def bounded(body: Any) -> None:
    if isinstance(body, dict):
        for name in ("max_tokens", "max_completion_tokens"):
            if isinstance(body.get(name), int) or (body.get(name) is None and "messages" in body):
                body[name] = min(body.get(name) or LONGEST, LONGEST)
        if isinstance(body.get("n"), int):
            body["n"] = min(body["n"], 2)


def with_what_exists(case: schemathesis.Case, existing: Existing) -> None:
    """Let ids of the path and models and files of the body be some that exist."""
    for parameter in case.path_parameters or {}:
        case.path_parameters[parameter] = existing.id_for(parameter)
    if not isinstance(case.body, dict):
        return
    config = case.body.get("training_config")
    if isinstance(config, dict):
        config |= {"model": BASE, "training_files": [existing.file()]}
    for name in ("model", "model_id"):
        if isinstance(case.body.get(name), str):
            case.body[name] = existing.job()
