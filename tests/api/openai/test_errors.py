"""Errors, as OpenAI's client raises them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openai import AuthenticationError, BadRequestError, OpenAI, RateLimitError

from tests.api.conftest import ADDRESS, BASE
from tests.api.openai.conftest import opened
from whence.api.app import create_app
from whence.api.service import Service
from whence.platform.keys import create_key

HELLO: Any = [{"role": "user", "content": "Hello"}]


def test_once_there_is_a_key_no_other_opens_anything(fresh: TestClient, inside: Service):
    with inside.database.session() as session:
        key = create_key(session).key
    with pytest.raises(AuthenticationError, match="A valid API key is needed") as error:
        opened(fresh, "wrong").models.list()
    assert error.value.type == "authentication_error"
    assert opened(fresh, key).models.list().data


@pytest.fixture
def crowded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAI]:
    """A service in which nobody may wait for an engine."""
    monkeypatch.setenv("WHENCE_HOME", str(tmp_path / "home"))
    service = Service.open()
    service.engines.queue = 0
    with TestClient(create_app(service), ADDRESS) as caller:
        yield opened(caller)


@pytest.mark.parametrize("stream", [False, True])
def test_a_full_queue_tells_when_to_come_back(crowded: OpenAI, stream: bool):
    with pytest.raises(RateLimitError, match="requests wait for this model already") as error:
        crowded.chat.completions.create(model=BASE, messages=HELLO, stream=stream)
    assert error.value.type == "rate_limit_error"
    assert int(error.value.response.headers["retry-after"]) >= 1


def test_a_body_that_is_no_json_is_refused(fresh: TestClient):
    response = fresh.post("/v1/chat/completions", content=b"{", headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_a_wrong_type_is_named_with_its_field(starting: OpenAI):
    wrong: Any = "many"
    with pytest.raises(BadRequestError, match=r"max_tokens.*'many'") as error:
        starting.chat.completions.create(model=BASE, messages=HELLO, max_tokens=wrong)
    assert (error.value.type, error.value.param, error.value.code) == ("invalid_request_error", None, None)
