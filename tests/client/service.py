"""A server in this process: answers what it was told to, and remembers what it was asked."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from whence.client import AsyncClient, Client

Reply = httpx.Response | Exception | dict[str, Any] | list[Any]


@dataclass
class Service:
    """`replies` in order, one for each attempt; the last one goes on for ever."""

    replies: list[Reply]
    requests: list[httpx.Request] = field(default_factory=list[httpx.Request])
    slept: list[float] = field(default_factory=list[float])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self.reply(request)

    async def asynchronously(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self.reply(request)

    def reply(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            # A response is read once; whoever is answered twice gets a new one.
            return httpx.Response(reply.status_code, headers=reply.headers, stream=reply.stream)
        return httpx.Response(200, json=reply)

    def client(self, **options: Any) -> Client:
        options = {"api_key": "secret", "sleep": self.slept.append} | options
        return Client("http://whence.test", transport=httpx.MockTransport(self), **options)

    def async_client(self, **options: Any) -> AsyncClient:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        options = {"api_key": "secret", "sleep": sleep} | options
        return AsyncClient("http://whence.test", transport=httpx.MockTransport(self.asynchronously), **options)

    @property
    def request(self) -> httpx.Request:
        """The only request that came."""
        (request,) = self.requests
        return request

    @property
    def body(self) -> Any:
        """The JSON of the only request."""
        return json.loads(self.request.content)


def serving(*replies: Reply) -> Service:
    return Service(list(replies))


def refusal(status: int, message: str = "No.", **headers: str) -> httpx.Response:
    body = {"error": httpx.codes.get_reason_phrase(status), "message": message, "status": status}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


class Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in the pieces that it is given in; an exception among them is raised where it stands."""

    def __init__(self, pieces: Iterable[bytes | Exception]) -> None:
        self.pieces = list(pieces)
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self):
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def streaming(*pieces: bytes | Exception) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Chunks(pieces))
