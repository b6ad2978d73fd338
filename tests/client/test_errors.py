from typing import Any

import httpx
import pytest

import whence.client as sdk
from tests.client.service import refusal, serving
from tests.client.shapes import PROJECT
from whence.errors import WhenceError

KINDS = {
    400: sdk.BadRequest,
    401: sdk.Unauthorized,
    403: sdk.Unauthorized,
    404: sdk.NotFound,
    409: sdk.Conflict,
    413: sdk.TooLarge,
    415: sdk.BadRequest,
    422: sdk.BadRequest,
    429: sdk.Overloaded,
    500: sdk.ServerError,
    501: sdk.ServerError,
    503: sdk.Overloaded,
    302: sdk.ApiError,
    418: sdk.ApiError,
}


def raised(reply: httpx.Response | Exception | dict[str, Any] | list[Any]) -> WhenceError:
    with serving(reply).client(max_retries=0) as client, pytest.raises(WhenceError) as caught:
        client.projects.retrieve(7)
    return caught.value


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
def test_each_status_is_an_error_of_its_kind(status: int, kind: type[sdk.ApiError]):
    error = raised(refusal(status, "No deployed model 'X' exists for your user.", x_request_id="r-1"))
    assert type(error) is kind
    assert isinstance(error, sdk.ApiError)
    assert (error.status, error.request_id) == (status, "r-1")
    assert error.body["status"] == status
    assert str(error) == f"No deployed model 'X' exists for your user. (HTTP {status})"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":"Too long.","type":"invalid_request_error"}}', "Too long."),
        (b'{"error":"Bad Request"}', "Bad Request"),
        (b"<html>\n  Gateway says no</html>", "<html> Gateway says no</html>"),
        (b"", "Bad Request"),
        (b"[1]", "Bad Request"),
        (b'{"error":{"type":"x"}}', "Bad Request"),
    ],
)
def test_the_servers_words_are_found_in_any_body(body: bytes, words: str):
    assert str(raised(httpx.Response(400, content=body))) == f"{words} (HTTP 400)"


def test_a_status_that_has_no_name_is_told_too():
    assert str(raised(httpx.Response(599))) == "The server gave no reason (HTTP 599)"


@pytest.mark.parametrize(
    "reply",
    [httpx.Response(200, html="<p>Another server</p>"), [1, 2], {"name": "no id"}, PROJECT | {"created_at": "today"}],
)
def test_an_answer_in_another_form_is_no_result(reply: httpx.Response | dict[str, Any] | list[Any]):
    assert "in no form of Whence's" in str(raised(reply))


def test_no_answer_in_time_is_told_apart_from_no_server():
    assert isinstance(raised(httpx.ReadTimeout("late")), sdk.TimedOut)
    assert isinstance(raised(httpx.ConnectTimeout("late")), sdk.ConnectionFailed)
    assert "WHENCE_BASE_URL" in str(raised(httpx.ConnectError("refused")))


@pytest.mark.parametrize("id", ["", "..", " ", "."])
def test_an_id_that_would_be_another_path_is_not_sent(id: str):
    service = serving({})
    with service.client() as client, pytest.raises(sdk.InvalidCall, match="An id must"):
        client.files.delete(id)
    assert service.requests == []


@pytest.mark.parametrize("question", ["x" * 70_000, "half a pair \ud83d"])
def test_what_no_address_can_hold_is_not_sent(question: str):
    service = serving({})
    with service.client() as client, pytest.raises(sdk.InvalidCall, match="cannot be sent"):
        client.explainability.get_influential_finetuning_data("m", question)
    assert service.requests == []
