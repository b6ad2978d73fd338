"""The client that waits for each answer."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Any, TypeVar

import httpx

from whence import settings
from whence.client import connection
from whence.client.attributions import Attributions
from whence.client.calls import Call, Pause, Step, Steps, Streamed
from whence.client.chat import Chat
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
from whence.client.streams import Stream

T = TypeVar("T")


class Client:
    """A Whence server, as objects: `client.files.upload("faq.jsonl")`.

    `base_url` and `api_key` are by default `WHENCE_BASE_URL` (else http://127.0.0.1:8321) and `WHENCE_API_KEY`.
    `timeout` in seconds is for one answer, `max_retries` for further attempts after a lost connection or a busy server.
    `transport` is what sends in place of httpx' own, `sleep` what waits. Close it, or use it in a `with` block.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 600.0,
        max_retries: int = 4,
        transport: httpx.BaseTransport | None = None,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = connection.address(base_url or settings.base_url())
        sent = connection.headers(api_key or settings.api_key(), headers)
        self._http = httpx.Client(headers=sent, timeout=connection.limits(timeout), transport=transport)
        self._retries = Retries(max_retries)
        self._sleep = sleep
        self.projects = Projects(self)
        self.files = Files(self)
        self.fine_tuning = FineTuning(self)
        self.deployments = Deployments(self)
        self.chat = Chat(self)
        self.models = Models(self)
        self.embeddings = Embeddings(self)
        self.explainability = Explainability(self)
        self.attributions = Attributions(self)
        self.runs = Runs(self)

    def run(self, steps: Steps[T]) -> T:
        """The result of a described call, or of several."""
        todo = connection.conversation(steps, self._retries)
        with closing(todo):
            try:
                step = next(todo)
                while True:
                    step = todo.send(self._do(step))
            except StopIteration as done:
                return done.value

    def open(self, streamed: Streamed[T]) -> Stream[T]:
        """The stream that answers a described call."""
        return Stream(self.run(streamed.call), streamed.parse)

    def _do(self, step: Step) -> Outcome | None:
        if isinstance(step, Pause):
            return self._sleep(step.seconds)
        try:
            return self._attempt(step)
        except httpx.RequestError as error:
            return error

    def _attempt(self, call: Call[Any]) -> httpx.Response:
        with ExitStack() as files:
            parts = files.enter_context(call.upload.parts()) if call.upload else []
            request = connection.request(self._http, self.base_url, call, parts)
            response = self._http.send(request, stream=True)
        if call.streamed and response.is_success:
            return response
        with closing(response):
            if call.save and response.is_success:
                with download_to(call.save) as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
            else:
                response.read()
        return response

    def __repr__(self) -> str:
        return f"whence.Client({self.base_url!r})"

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()
