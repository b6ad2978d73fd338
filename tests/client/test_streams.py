import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.client.service import Service, refusal, serving, streaming
from tests.client.shapes import EVENT, QUESTION
from whence.client import ApiError, ConnectionFailed, NotFound, ServerError

DONE = b"data: [DONE]\n\n"


def piece(text: str) -> bytes:
    body = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def told(service: Service) -> list[str]:
    with service.client() as client, client.chat.completions.create("m", QUESTION, stream=True) as stream:
        return [chunk.text for chunk in stream]


def told_async(service: Service) -> list[str]:
    async def asked() -> list[str]:
        async with (
            service.async_client() as client,
            await client.chat.completions.create("m", QUESTION, stream=True) as stream,
        ):
            return [chunk.text async for chunk in stream]

    return asyncio.run(asked())


both = pytest.mark.parametrize("tell", [told, told_async])


@both
def test_an_answer_arrives_in_its_pieces(tell: Any):
    service = serving(streaming(piece("By "), piece("Kestrix."), DONE))
    assert tell(service) == ["By ", "Kestrix."]
    assert service.body == {"model": "m", "messages": QUESTION, "stream": True}
    assert service.request.headers["accept"] == "text/event-stream"


@both
def test_pieces_cut_anywhere_and_unusual_line_separators_come_through(tell: Any):
    text = "a\u2028b\u2029c\u0085d\ne €"
    whole = piece(text) + DONE
    assert tell(serving(streaming(*(whole[i : i + 3] for i in range(0, len(whole), 3))))) == [text]


@both
def test_nothing_is_read_after_the_end_mark(tell: Any):
    assert tell(serving(streaming(piece("a"), DONE, httpx.ReadError("too late to matter")))) == ["a"]


@both
def test_a_stream_that_stops_short_is_no_answer(tell: Any):
    with pytest.raises(ConnectionFailed, match="not all"):
        tell(serving(streaming(piece("By "))))


@both
def test_a_connection_that_breaks_on_the_way_is_reported_and_not_tried_again(tell: Any):
    service = serving(streaming(piece("By "), httpx.ReadError("reset")))
    with pytest.raises(ConnectionFailed, match="broke"):
        tell(service)
    assert len(service.requests) == 1


@both
def test_an_error_in_the_middle_is_raised(tell: Any):
    body = {"error": {"message": "Out of memory.", "type": "server_error"}, "status": 503}
    with pytest.raises(ApiError, match="Out of memory"):
        tell(serving(streaming(piece("By "), f"data: {json.dumps(body)}\n\n".encode())))


@both
def test_what_is_no_event_of_ours_is_an_error_of_ours(tell: Any):
    with pytest.raises(ApiError, match="other than an event of Whence"):
        tell(serving(streaming(b"data: <html>\n\n")))


@both
def test_a_refusal_comes_before_the_stream(tell: Any):
    with pytest.raises(NotFound, match="No deployed model"):
        tell(serving(refusal(404, "No deployed model 'm' exists for your user.")))


def test_hanging_up_early_ends_the_request():
    reply = streaming(piece("a"), piece("b"), DONE)
    with serving(reply).client() as client:
        stream = client.chat.completions.create("m", QUESTION, stream=True)
        assert next(stream).text == "a"
        stream.close()
        assert stream.response.is_closed
        assert list(stream) == []


def test_the_progress_of_a_job_is_followed_to_its_end():
    sent = f"event: progress\ndata: {json.dumps(EVENT)}\n\n".encode()
    service = serving(streaming(b": ping\n\n", sent, sent, b"event: end\ndata: {}\n\n"))
    with service.client() as client:
        told = [event.step for event in client.runs.events("ft-1")]
    assert told == [10, 10]
    assert service.request.url.path == "/v1/whence/runs/ft-1/events"


def test_an_event_named_error_is_raised():
    sent = b'event: error\ndata: {"error":"Gone","message":"The job was deleted.","status":500}\n\n'
    with serving(streaming(sent)).client() as client, pytest.raises(ServerError, match="deleted"):
        list(client.runs.events("ft-1"))
