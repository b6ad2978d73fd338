"""Errors as responses, in one place: `{"error", "message", "status"}`, or OpenAI's shape on OpenAI's routes.

Always one line of JSON: SeekrFlow's client shows the body as it is.
"""

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DataError as UnfitError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from whence.engine.pool import EngineError
from whence.errors import (
    AccessError,
    ArtifactError,
    BusyError,
    ConflictError,
    DataError,
    MissingError,
    TooLargeError,
    WhenceError,
)
from whence.platform.retry import is_away

STATUS: dict[type[WhenceError], int] = {
    DataError: 400,
    AccessError: 401,
    MissingError: 404,
    ConflictError: 409,
    ArtifactError: 409,
    TooLargeError: 413,
    BusyError: 429,
}
OPENAI = ("/v1/models", "/v1/files", "/v1/fine_tuning", "/v1/chat", "/v1/embeddings")
KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
RETRY_DATABASE = 5
log = logging.getLogger("whence.api")


class ErrorBody(BaseModel):
    """An error."""

    error: str
    message: str
    status: int


class OpenAIError(BaseModel):
    """An error's details, as OpenAI's clients expect them."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorBody(BaseModel):
    """An error of OpenAI's routes."""

    error: OpenAIError


def documented(*statuses: int, openai: bool = False) -> dict[int | str, dict[str, Any]]:
    """The errors that every route may answer with, and these, for the OpenAPI document."""
    model = OpenAIErrorBody if openai else ErrorBody
    every = sorted({400, 401, 404, 409, 413, 429, 503, *statuses})
    return {status: {"model": model, "description": HTTPStatus(status).phrase} for status in every}


def answer(request: Request, status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as a response in the dialect of its route."""
    if request.url.path.startswith(OPENAI):
        # OpenAI's client sends again what met a conflict; ours do not pass by themselves.
        headers = {**(headers or {}), **({"x-should-retry": "false"} if status == 409 else {})}
        body: Any = openai_error(status, message)
    else:
        body = {"error": HTTPStatus(status).phrase, "message": message, "status": status}
    return JSONResponse(body, status, headers=dict(headers or {}))


def openai_error(status: int, message: str) -> dict[str, Any]:
    """An error as OpenAI's routes tell it."""
    kind = KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def status_of(error: WhenceError) -> int:
    """The status that an error is answered with."""
    if isinstance(error, EngineError):
        return error.status
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)


def handle_errors(app: FastAPI) -> None:
    """Answer every error of the app in its dialect."""
    app.add_exception_handler(WhenceError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(Exception, _unknown)


async def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WhenceError)
    wait = {"Retry-After": str(math.ceil(error.seconds))} if isinstance(error, BusyError) else None
    if isinstance(error, EngineError) and error.status == 503:
        wait = {"Retry-After": "2"}
    return answer(request, status_of(error), str(error), wait)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(request, 400, "; ".join(_sentence(fault) for fault in error.errors()[:3]))


def _sentence(fault: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in fault["loc"] if part not in ("body", "query", "path"))
    found = fault.get("input")
    shown = f" (found {found!r:.60})" if isinstance(found, str | int | float | bool) else ""
    return f"{where or 'The body'}: {fault['msg']}{shown}"


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        message = unserved(request.url.path) or f"No route {request.method} {request.url.path:.200} exists."
    elif error.status_code == 405:
        message = f"The method {request.method} is not allowed for {request.url.path:.200}."
    else:
        message = str(error.detail)
    return answer(request, error.status_code, message, error.headers)


def unserved(path: str) -> str | None:
    """The message for a part of SeekrFlow that this service does not have."""
    parts = {
        "ingestion": "Document ingestion",
        "alignment": "Alignment",
        "data-jobs": "Data jobs",
        "vectordb": "Vector databases",
        "agents": "Agents",
        "threads": "Agents",
        "tools": "Agents",
    }
    named = path.removeprefix("/v1").split("/")
    part = parts.get(named[2]) if len(named) > 2 and named[1] == "flow" else None
    if path.endswith("/context-attributor-from-run"):
        part = "Attribution of an agent's run"
    return part and f"{part} is not part of this service. Upload question/answer pairs to /v1/flow/files instead."


async def _database(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DBAPIError)
    if isinstance(error, UnfitError):
        return answer(request, 400, "Text must hold no NUL character, and numbers must fit in 63 bits. Change it.")
    if not is_away(error):
        return await _unknown(request, error)
    log.warning("database away", extra={"error": type(error).__name__})
    wait = {"Retry-After": str(RETRY_DATABASE)}
    return answer(request, 503, "The database cannot be reached at the moment. Nothing was changed. Try again.", wait)


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    identity = getattr(request.state, "request_id", "")
    log.error("unexpected error", exc_info=error, extra={"request_id": identity})
    message = f"An unexpected error occurred. The log has it under the request id {identity}. Try again."
    return answer(request, 500, message)
