"""The process of one engine: `python -m whence.engine.server SOCKET KIND PLACE`, where KIND is base, run or embed.

It answers on a socket that only its owner can open, to callers that know the secret of this start, one request at a
time, and ends with the process that started it.
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

from whence import lifeline, settings
from whence.engine.orders import AttributeOrder, ChatOrder, ContextOrder, EmbedOrder, TokensOrder
from whence.errors import ArtifactError, MissingError, WhenceError

log = logging.getLogger("whence.engine")
END = object()
STATUS: dict[type[WhenceError], int] = {ArtifactError: 409, MissingError: 404}
Answer = Callable[[Request], Awaitable[Response]]


class Engine:
    """The model of this process and the one thread that works with it."""

    def __init__(self, kind: str, place: str) -> None:
        self.kind, self.place = kind, place
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self.seat: Any = None

    def load(self) -> None:
        """Have the model in memory; only the first call takes time."""
        if self.seat is not None:
            return
        if self.kind == "embed":
            from whence.methods.embedding import Embedding

            self.seat = Embedding(self.place)
        else:
            from whence.engine.seat import Seat

            self.seat = Seat.of_base(self.place) if self.kind == "base" else Seat.of_run(self.place)

    async def work(self, call: Callable[[Any], Any]) -> Any:
        """What `call` makes of the model, computed when it is this request's turn."""

        def turn() -> Any:
            self.load()
            return call(self.seat)

        return await asyncio.get_running_loop().run_in_executor(self.thread, turn)

    async def stream(self, call: Callable[[Any, Callable[[], bool]], Iterator[Any]]) -> AsyncIterator[Any]:
        """What `call` yields, as it comes; it is told to stop when nobody listens any more."""
        loop, pieces, gone = asyncio.get_running_loop(), asyncio.Queue[Any](), threading.Event()

        def turn() -> None:
            try:
                if gone.is_set():
                    return
                self.load()
                for piece in call(self.seat, gone.is_set):
                    loop.call_soon_threadsafe(pieces.put_nowait, piece)
                loop.call_soon_threadsafe(pieces.put_nowait, END)
            except BaseException as error:
                loop.call_soon_threadsafe(pieces.put_nowait, error)

        task = loop.run_in_executor(self.thread, turn)
        try:
            while (piece := await pieces.get()) is not END:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
            await task
        finally:
            gone.set()


class Secret:
    """Lets only requests through that carry the secret of this start."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self.app, self.secret = app, secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"x-whence-secret", b"")
            if not hmac.compare_digest(given, self.secret):
                await Response(status_code=403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def create_app(engine: Engine, secret: str) -> Starlette:
    """The engine's few routes."""

    async def status(_: Request) -> Response:
        return JSONResponse({"kind": engine.kind, "place": engine.place, "loaded": engine.seat is not None})

    async def load(request: Request) -> Response:
        run = (await request.json()).get("run")
        await engine.work(lambda seat: seat.take(run) if engine.kind != "embed" else None)
        return JSONResponse({"loaded": True})

    async def chat(request: Request) -> Response:
        order = ChatOrder(**await request.json())
        pieces = engine.stream(lambda seat, gone: seat.chat(order, gone))
        first = await anext(pieces)  # what is wrong with the request shows before anything is sent

        async def lines() -> AsyncIterator[bytes]:
            yield line_of(first)
            async for piece in pieces:
                yield line_of(piece)

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def attribute(request: Request) -> Response:
        order = AttributeOrder(**tupled(await request.json()))
        return JSONResponse(await engine.work(lambda seat: seat.attribute(order)))

    async def tokens(request: Request) -> Response:
        order = TokensOrder(**tupled(await request.json()))
        return JSONResponse(await engine.work(lambda seat: seat.tokens(order)))

    async def context(request: Request) -> Response:
        order = ContextOrder(**await request.json())
        return JSONResponse(await engine.work(lambda seat: seat.context(order)))

    async def embed(request: Request) -> Response:
        order = EmbedOrder(**await request.json())
        return JSONResponse(await engine.work(lambda model: model.vectors(list(order.texts)).tolist()))

    asked = (load, chat, attribute, tokens, context, embed)
    routes = [Route("/status", status), *(Route(f"/{f.__name__}", told(f), methods=["POST"]) for f in asked)]
    return Starlette(routes=routes, middleware=[Middleware(Secret, secret=secret)])


def told(answer: Answer) -> Answer:
    """The same route, whose errors are answers too: one that reached the server would end the connection."""

    async def answer_or_refuse(request: Request) -> Response:
        try:
            return await answer(request)
        except WhenceError as error:  # the caller can act on it
            status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
            return JSONResponse({"kind": type(error).__name__, "message": str(error)}, status)
        except Exception as error:
            log.exception("an order could not be carried out")
            return JSONResponse({"kind": "Unexpected", "message": f"{type(error).__name__}: {error}"}, 500)

    return answer_or_refuse


def tupled(body: dict[str, Any]) -> dict[str, Any]:
    """The body of an order with its lists as tuples; JSON knows lists only."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}


def line_of(piece: Any) -> bytes:
    """A piece as a line of JSON."""
    return json.dumps(piece).encode() + b"\n"


def main() -> None:
    """Serve until told to end."""
    lifeline.hold_on()
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
