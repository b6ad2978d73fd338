"""Another server does the generating, attribution stays here: one service of ours stands before another."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.service import Running, start, stop
from whence.client.chat import ChatCompletion
from whence.client.errors import ApiError
from whence.client.sync import Client

pytestmark = pytest.mark.process

MODEL = "tiny-llama"
MESSAGES = [{"role": "user", "content": "Which bulb type fits the Morwick lamp?"}]


@pytest.fixture(scope="module")
def fronting(service: Running, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose answers come from the session's."""
    home = tmp_path_factory.mktemp("fronting")
    settings = {"WHENCE_GENERATION_URL": f"{service.url}/v1", "WHENCE_GENERATION_KEY": service.key}
    running = start(home, {"WHENCE_BASE_MODELS": str(tiny_base), **settings}, home / "log")
    yield running
    stop(running)


def answer(running: Running, **settings: object) -> ChatCompletion:
    with Client(running.url, running.key) as client:
        return client.chat.completions.create(MODEL, MESSAGES, temperature=0.0, max_tokens=12, **settings)  # type: ignore[arg-type]


def test_the_answer_is_the_other_servers(service: Running, fronting: Running) -> None:
    assert answer(fronting).text == answer(service).text


def test_a_stream_is_passed_on(service: Running, fronting: Running) -> None:
    with (
        Client(fronting.url, fronting.key) as client,
        client.chat.completions.create(MODEL, MESSAGES, stream=True, temperature=0.0, max_tokens=12) as stream,
    ):
        assert "".join(chunk.text for chunk in stream) == answer(service).text


def test_no_engine_is_started_for_it(fronting: Running) -> None:
    import httpx

    metrics = httpx.get(f"{fronting.url}/metrics").text
    assert "whence_engine_memory_bytes{" not in metrics


def test_a_server_that_is_not_there_is_said_to_be(tiny_base: Path, tmp_path: Path) -> None:
    settings = {"WHENCE_GENERATION_URL": "http://127.0.0.1:9/v1"}
    running = start(tmp_path, {"WHENCE_BASE_MODELS": str(tiny_base), **settings}, tmp_path / "log")
    try:
        with Client(running.url, running.key, max_retries=0) as client, pytest.raises(ApiError) as refused:
            client.chat.completions.create(MODEL, MESSAGES)
    finally:
        stop(running)
    assert refused.value.status == 503
    assert "generation server" in refused.value.message
