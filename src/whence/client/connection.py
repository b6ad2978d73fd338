"""Everything about a request but the sending: where it goes, what is tried again, how the answer is read."""

import json
import re
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import httpx

from whence.client.calls import Call, Pause, Step, Steps
from whence.client.errors import ApiError, InvalidCall, connection_error, refusal
from whence.client.retries import Outcome, Retries
from whence.client.uploads import Part

T = TypeVar("T")
CONNECT_SECONDS = 5.0


def address(base_url: str) -> str:
    """The server's address without a closing slash or `/v1`. Raises `InvalidCall` for what is none."""
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", base_url):
        raise InvalidCall(
            f"base_url must begin with http:// or https:// (found {base_url!r}). Write the whole address."
        )
    return re.sub(r"(/v\d+)?/*$", "", base_url, count=1)


def headers(api_key: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
    """The headers of every request. Raises `InvalidCall` for a key that no header can hold."""
    mine = {"User-Agent": "whence", "Accept": "application/json"}
    if api_key:
        if not (api_key.isascii() and api_key.isprintable()):
            raise InvalidCall("An API key is printable ASCII on one line; this one is not. Copy it again.")
        mine["Authorization"] = f"Bearer {api_key}"
    return mine | dict(more or {})


def limits(timeout: float) -> httpx.Timeout:
    """The timeouts in seconds: `timeout` for the answer, 5 s for the connection."""
    return httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))


def request(http: httpx.Client | httpx.AsyncClient, base: str, call: Call[Any], parts: list[Part]) -> httpx.Request:
    """The request that a call describes. Raises `InvalidCall` for one that HTTP or JSON cannot hold."""
    extra = {"Idempotency-Key": call.key} if call.key else {}
    if call.streamed:
        extra["Accept"] = "text/event-stream"
    form = {"purpose": call.upload.purpose} if call.upload else None
    try:
        return http.build_request(
            call.method, base + call.path, params=call.query or None, json=call.body, data=form, files=parts or None,
            headers=extra,
        )  # fmt: skip
    except (httpx.InvalidURL, ValueError) as error:
        raise InvalidCall(f"This cannot be sent ({error}). Shorten it, and take out what is no text.") from error


def conversation(steps: Steps[T], retries: Retries) -> Generator[Step, Outcome | None, T]:
    """The steps down to attempts: gives calls and pauses, takes what became of each call, returns the result.

    What both clients do, but for sending and sleeping. Raises the errors of `client.errors`.
    """
    todo = iter(steps)
    with closing(todo):
        try:
            step = next(todo)
            while True:
                if isinstance(step, Pause):
                    yield step
                    step = todo.send(None)
                else:
                    step = todo.send(answer(step, (yield from attempts(step, retries))))
        except StopIteration as done:
            return done.value


def attempts(call: Call[Any], retries: Retries) -> Generator[Step, Outcome | None, httpx.Response]:
    """The response in the end, after as many attempts as it took. Raises the SDK's error where none came."""
    attempt = 0
    while True:
        outcome = yield call
        assert outcome is not None
        delay = retries.delay(attempt, call, outcome)
        if delay is None:
            break
        yield Pause(delay)
        attempt += 1
    if isinstance(outcome, httpx.RequestError):
        raise connection_error(outcome) from outcome
    return outcome


def answer(call: Call[T], response: httpx.Response) -> T:
    """What the call's `parse` makes of a response. Raises an `ApiError` for a refusal and for what is no answer."""
    if not response.is_success:
        raise refusal(response.status_code, body_of(response), response.headers.get("x-request-id"))
    try:
        if call.streamed:
            return call.parse(response)
        return call.parse(call.save or (json.loads(response.content) if response.content else None))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{response.url.path} answered in no form of Whence's. Check base_url and the versions of both sides."
        raise ApiError(response.status_code, message, body_of(response)) from error


def body_of(response: httpx.Response) -> Any:
    """The body as a JSON value, else as text."""
    try:
        return json.loads(response.content)
    except ValueError:
        return response.text


@contextmanager
def download_to(path: Path) -> Generator[BinaryIO]:
    """Yield a file to write into; it gets its name at the end of the block, and is removed if the block fails."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
