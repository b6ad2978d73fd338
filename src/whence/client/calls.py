"""A call, described: what is sent, and how the answer is read. Nothing here sends anything.

Each call of the SDK is one function that returns a `Call`, or a generator of calls and pauses (a wait, an upload with a
bar). `client.sync` and `client.asynchronous` carry the same descriptions out.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Generic, Literal, Protocol, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from whence.client.errors import InvalidCall, TimedOut
from whence.client.uploads import Upload

HttpMethod = Literal["GET", "POST", "PUT", "DELETE"]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
FIRST_POLL, LONGEST_POLL = 0.5, 5.0
"""Seconds between two polls: short at the beginning, for what takes a moment."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One request. `parse` makes the result out of the JSON answer (None where it is empty).

    With `save`, the body goes to that file and `parse` gets its path; with `streamed`, it gets the open response. A
    `key` is sent as `Idempotency-Key`: the server carries out one request only among those with the same key.
    """

    method: HttpMethod
    path: str
    parse: Callable[[Any], T_co]
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Mapping[str, Any] | None = None
    upload: Upload | None = None
    save: Path | None = None
    streamed: bool = False
    key: str | None = None

    @property
    def repeatable(self) -> bool:
        """True if the request may be sent again after the server may have carried it out.

        An upload is a PUT, yet each makes a new file.
        """
        return self.key is not None or (self.method != "POST" and self.upload is None)

    def __iter__(self) -> "Generator[Step, Any, T_co]":
        """Its result, in a generator of steps: `job = yield from retrieve(id)`."""
        return (yield self)


@dataclass(frozen=True, slots=True)
class Pause:
    """A time to wait, in seconds."""

    seconds: float


Step = Call[Any] | Pause


class Steps(Protocol[T_co]):
    """Calls and pauses, one after the other, with a result in the end. A `Call` is the shortest."""

    def __iter__(self) -> Generator[Step, Any, T_co]:
        """The steps; each takes its own result."""
        ...


@dataclass(frozen=True, slots=True)
class Streamed(Generic[T_co]):
    """A request that is answered by server-sent events, and how the JSON of each is read."""

    call: Call[httpx.Response]
    parse: Callable[[Any], T_co]

    @staticmethod
    def of(
        method: HttpMethod,
        path: str,
        parse: Callable[[Any], T_co],
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> "Streamed[T_co]":
        """The stream of such a request."""
        return Streamed(Call(method, path, _as_it_is, query=query or {}, body=body, streamed=True), parse)


def _as_it_is(response: httpx.Response) -> httpx.Response:
    return response


def given(**values: Any) -> dict[str, Any]:
    """The values that were given: None means "as the server likes" and is not sent."""
    return {name: value for name, value in values.items() if value is not None}


def segment(id: str | int) -> str:
    """An id as one part of a path. Raises `InvalidCall` for one that would make another path of it."""
    text = str(id)
    if text.strip(". ") == "":
        raise InvalidCall(f"An id must hold more than dots and blanks (found {text!r}). Take it from the list call.")
    return quote(text, safe="")


def fresh_key() -> str:
    """A new idempotency key."""
    return uuid4().hex


def nothing(answer: Any) -> None:
    """None, whatever the server said."""


def destination(out: str | Path) -> Path:
    """The file that a download is to become. Raises `InvalidCall` where it cannot."""
    path = Path(out).expanduser()
    if path.is_dir() or not path.parent.is_dir():
        raise InvalidCall(f"`out` must be a file in a folder that exists (found {path}). Make the folder, name a file.")
    return path


def poll(look: Callable[[], Steps[T]], over: Callable[[T], bool], timeout: float | None) -> Generator[Step, Any, T]:
    """Repeat `look` until its result is `over`, and return that. Raises `TimedOut` after `timeout` seconds; the work of
    the server goes on."""
    began = monotonic()
    pause = FIRST_POLL
    while True:
        seen = yield from look()
        if over(seen):
            return seen
        if timeout is not None and monotonic() - began + pause > timeout:
            raise TimedOut(f"Not finished within {timeout:g} s: {seen!r}. It continues; wait again, or longer.")
        yield Pause(pause)
        pause = min(1.5 * pause, LONGEST_POLL)
