"""Every error of the SDK: what the server refused, what never reached it, and what could not have worked."""

# ruff: noqa: N818 - each name says what happened: `except whence.client.NotFound`

from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx

from whence.errors import WhenceError


class ApiError(WhenceError):
    """The server answered, but not with what was asked for.

    `status` is the HTTP status, `message` the server's own words, `body` all that it sent, and `request_id` names the
    request in the server's log (None where the server gave none).
    """

    def __init__(self, status: int, message: str, body: Any = None, request_id: str | None = None) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status
        self.message = message
        self.body = body
        self.request_id = request_id


class BadRequest(ApiError):
    """400, 415, 422: the request breaks a rule."""


class Unauthorized(ApiError):
    """401, 403: the API key is missing, wrong, or may not do this."""


class NotFound(ApiError):
    """404: there is no such thing."""


class Conflict(ApiError):
    """409: the thing is in a state that forbids this."""


class TooLarge(ApiError):
    """413: more than the server accepts."""


class Overloaded(ApiError):
    """429, 503: the server is too busy, still after all retries."""


class ServerError(ApiError):
    """500 and above: the server failed."""


class ConnectionFailed(WhenceError):
    """The server could not be reached, or hung up before it had answered."""


class TimedOut(WhenceError):
    """The answer, or the end of a job, did not come in time."""


class InvalidCall(WhenceError):
    """A call that could not have worked, found before anything was sent."""


class JobFailed(WhenceError):
    """A fine-tuning job that ended without a model. `status` is failed, cancelled or deleted; `reason` says why."""

    def __init__(self, id: str, status: str, reason: str | None) -> None:
        super().__init__(f"Job {id} ended as {status}: {reason or 'no reason is given'}")
        self.id = id
        self.status = status
        self.reason = reason


class DeploymentFailed(WhenceError):
    """A deployment that did not become active."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    415: BadRequest,
    422: BadRequest,
    429: Overloaded,
    503: Overloaded,
}


def refusal(status: int, body: Any, request_id: str | None = None) -> ApiError:
    """The error for an HTTP status and the body that came with it (a JSON value, or text)."""
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return kind(status, _words(body) or _phrase(status), body, request_id)


def _words(body: Any) -> str:
    """The readable message of a body: our `message`, OpenAI's `error.message`, or the beginning of a text."""
    if isinstance(body, dict):
        error = body.get("error")
        found = error.get("message") if isinstance(error, dict) else body.get("message", error)
        return str(found or "")
    return " ".join(body.split())[:300] if isinstance(body, str) else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a proxy's own number
        return "The server gave no reason"


def connection_error(error: httpx.RequestError) -> WhenceError:
    """The SDK's error for one of httpx."""
    where = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    what = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return ConnectionFailed(
            f"No server answers at {where} ({what}). Start one with `whence up`, or set base_url or WHENCE_BASE_URL."
        )
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{where} did not answer in time ({what}). Give the client a longer timeout, or try again.")
    return ConnectionFailed(f"The connection to {where} broke ({what}). Try again.")


@contextmanager
def translated() -> Generator[None]:
    """Raise httpx errors of a block as the SDK's."""
    try:
        yield
    except httpx.RequestError as error:
        raise connection_error(error) from error
