"""The process of one engine: `python -m whence.engine.server SOCKET KIND PLACE`, where KIND is base, run or embed.

It listens on a socket that only its owner can open, serves callers that know the secret of this start, one request at
a time, and ends with the process that started it.
"""

import asyncio
import hmac
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from whence import child_process, settings
from whence.engine.messages import (
    ROUTES,
    AttributeRequest,
    ChatRequest,
    ContextRequest,
    EmbedRequest,
    EngineRequest,
    LoadRequest,
    TokensRequest,
)
from whence.errors import ArtifactError, MissingError, WhenceError
from whence.types import decode

log = logging.getLogger("whence.engine")
END = object()
STATUS: dict[type[WhenceError], int] = {ArtifactError: 409, MissingError: 404}
Handler = Callable[[Request], Awaitable[Response]]


class Engine:
    """The model of this process and the one thread that works with it."""

    def __init__(self, kind: str, place: str) -> None:
        self.kind, self.place = kind, place
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self.session: Any = None

    def load(self) -> None:
        """Load the model; only the first call takes time."""
        if self.session is not None:
            return
        if self.kind == "embed":
            from whence.engine.embedding import EmbeddingSession

            self.session = EmbeddingSession(self.place)
        else:
            from whence.engine.session import ModelSession

            self.session = ModelSession.of_base(self.place) if self.kind == "base" else ModelSession.of_run(self.place)

    async def work(self, call: Callable[[Any], Any]) -> Any:
        """The result of `call` on the model's session, computed when it is this request's turn."""

        def turn() -> Any:
            self.load()
            return call(self.session)

        return await asyncio.get_running_loop().run_in_executor(self.thread, turn)

    async def stream(self, call: Callable[[Any, Callable[[], bool]], Iterator[Any]]) -> AsyncIterator[Any]:
        """Yield the items of `call` as they come. Its second argument becomes true when the caller has hung up."""
        loop, items, gone = asyncio.get_running_loop(), asyncio.Queue[Any](), threading.Event()

        def turn() -> None:
            try:
                if gone.is_set():
                    return
                self.load()
                for item in call(self.session, gone.is_set):
                    loop.call_soon_threadsafe(items.put_nowait, item)
                loop.call_soon_threadsafe(items.put_nowait, END)
            except BaseException as error:
                loop.call_soon_threadsafe(items.put_nowait, error)

        task = loop.run_in_executor(self.thread, turn)
        try:
            while (item := await items.get()) is not END:
                if isinstance(item, BaseException):
                    raise item
                yield item
            await task
        finally:
            gone.set()


class Secret:
    """Middleware that admits only requests with the secret of this start."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self.app, self.secret = app, secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            presented = dict(scope["headers"]).get(b"x-whence-secret", b"")
            if not hmac.compare_digest(presented, self.secret):
                await Response(status_code=403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def create_app(engine: Engine, secret: str) -> Starlette:
    """The engine's few routes: one per kind of message, named like the session's method that serves it."""

    async def status(_: Request) -> Response:
        return JSONResponse({"kind": engine.kind, "place": engine.place, "loaded": engine.session is not None})

    def serving(kind: type[EngineRequest]) -> Handler:
        async def serve(request: Request) -> Response:
            message, name = decode(kind, await request.json()), ROUTES[kind].removeprefix("/")
            return JSONResponse(await engine.work(lambda session: getattr(session, name)(message)))

        return serve

    async def chat(request: Request) -> Response:
        message = decode(ChatRequest, await request.json())
        chunks = engine.stream(lambda session, gone: session.chat(message, gone))
        first = await anext(chunks)  # an error in the request shows before anything is sent

        async def lines() -> AsyncIterator[bytes]:
            yield line_of(first)
            async for chunk in chunks:
                yield line_of(chunk)

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    kinds = (LoadRequest, AttributeRequest, TokensRequest, ContextRequest, EmbedRequest)
    handlers: dict[str, Handler] = {ROUTES[ChatRequest]: chat, **{ROUTES[kind]: serving(kind) for kind in kinds}}
    routes = [Route(path, with_errors(handler), methods=["POST"]) for path, handler in handlers.items()]
    return Starlette(routes=[Route("/status", status), *routes], middleware=[Middleware(Secret, secret=secret)])


def with_errors(handler: Handler) -> Handler:
    """The same route with errors as responses: one that reached the server would end the connection."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except WhenceError as error:  # the caller can act on it
            status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
            return JSONResponse({"kind": type(error).__name__, "message": str(error)}, status)
        except Exception as error:
            log.exception("an engine request failed")
            return JSONResponse({"kind": "Unexpected", "message": f"{type(error).__name__}: {error}"}, 500)

    return handle


def line_of(chunk: Any) -> bytes:
    """A chunk as a line of JSON."""
    return json.dumps(chunk).encode() + b"\n"


def main() -> None:
    """Serve until the process is asked to end."""
    child_process.exit_with_parent()
    path, kind, place = sys.argv[1:]
    app = create_app(Engine(kind, place), settings.engine_secret())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=3600))
    os.umask(0o077)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)  # not by uvicorn, which opens its socket to everybody
        listening.listen()
        server.run(sockets=[listening])


if __name__ == "__main__":
    main()
