"""The client for `async` programs: the same calls, each to be awaited."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, aclosing, closing
from types import TracebackType
from typing import Any, TypeVar

import httpx

from whence import settings
from whence.client import connection
from whence.client.attributions import Attributions
from whence.client.calls import Call, Pause, Step, Steps, Streamed
from whence.client.chat import AsyncChat
from whence.client.connection import download_to
from whence.client.deployments import Deployments
from whence.client.embeddings import Embeddings
from whence.client.explainability import Explainability
from whence.client.files import Files
from whence.client.fine_tuning import FineTuning
from whence.client.models import Models
from whence.client.projects import Projects
from whence.client.retries import Outcome, Retries
from whence.client.runs import Runs
from whence.client.streams import AsyncStream

T = TypeVar("T")


class AsyncClient:
    """A Whence server, as objects: `await client.files.upload("faq.jsonl")`. Its arguments are those of `Client`."""

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 600.0,
        max_retries: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.base_url = connection.address(base_url or settings.base_url())
        sent = connection.headers(api_key or settings.api_key(), headers)
        self._http = httpx.AsyncClient(headers=sent, timeout=connection.limits(timeout), transport=transport)
        self._retries = Retries(max_retries)
        self._sleep = sleep
        self.projects = Projects(self)
        self.files = Files(self)
        self.fine_tuning = FineTuning(self)
        self.deployments = Deployments(self)
        self.chat = AsyncChat(self)
        self.models = Models(self)
        self.embeddings = Embeddings(self)
        self.explainability = Explainability(self)
        self.attributions = Attributions(self)
        self.runs = Runs(self)

    async def run(self, steps: Steps[T]) -> T:
        """The result of a described call, or of several."""
        todo = connection.conversation(steps, self._retries)
        with closing(todo):
            try:
                step = next(todo)
                while True:
                    step = todo.send(await self._do(step))
            except StopIteration as done:
                return done.value

    async def open(self, streamed: Streamed[T]) -> AsyncStream[T]:
        """The stream that answers a described call."""
        return AsyncStream(await self.run(streamed.call), streamed.parse)

    async def _do(self, step: Step) -> Outcome | None:
        if isinstance(step, Pause):
            return await self._sleep(step.seconds)
        try:
            return await self._attempt(step)
        except httpx.RequestError as error:
            return error

    async def _attempt(self, call: Call[Any]) -> httpx.Response:
        with ExitStack() as files:
            parts = files.enter_context(call.upload.parts()) if call.upload else []
            request = connection.request(self._http, self.base_url, call, parts)
            response = await self._http.send(request, stream=True)
        if call.streamed and response.is_success:
            return response
        async with aclosing(response):
            if call.save and response.is_success:
                with download_to(call.save) as file:
                    async for chunk in response.aiter_bytes():
                        file.write(chunk)
            else:
                await response.aread()
        return response

    def __repr__(self) -> str:
        return f"whence.AsyncClient({self.base_url!r})"

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()
