"""Described calls as methods of a client: a result from `Client`, an awaitable of it from `AsyncClient`."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, overload

from whence.client.calls import Steps, Streamed
from whence.client.streams import AsyncStream, Stream

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
D_co = TypeVar("D_co", bound="Transport | AsyncTransport", covariant=True)


class Transport(Protocol):
    """Carries descriptions out and comes back with the result."""

    def run(self, steps: Steps[T]) -> T:
        """The result of the steps."""
        ...

    def open(self, streamed: Streamed[T]) -> Stream[T]:
        """The stream that answers."""
        ...


class AsyncTransport(Protocol):
    """Carries descriptions out while others go on."""

    async def run(self, steps: Steps[T]) -> T:
        """The result of the steps."""
        ...

    async def open(self, streamed: Streamed[T]) -> AsyncStream[T]:
        """The stream that answers."""
        ...


@dataclass(frozen=True, slots=True)
class Resource(Generic[D_co]):
    """A group of calls, bound to the client that sends them."""

    transport: D_co


class Method(Generic[P, T_co]):
    """A description as a method that carries it out. On the class, not bound to a client, it only describes."""

    def __init__(self, describe: Callable[P, Steps[T_co]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> Callable[P, Steps[T_co]]: ...
    @overload
    def __get__(self, resource: Resource[Transport], owner: type) -> Callable[P, T_co]: ...
    @overload
    def __get__(self, resource: Resource[AsyncTransport], owner: type) -> Callable[P, Coroutine[Any, Any, T_co]]: ...
    def __get__(self, resource: Resource[Any] | None, owner: type) -> Callable[P, Any]:
        if resource is None:
            return self.describe

        @wraps(self.describe)
        def send(*args: P.args, **kwargs: P.kwargs) -> Any:
            return resource.transport.run(self.describe(*args, **kwargs))

        return send


class StreamMethod(Generic[P, T_co]):
    """The same for a description of a stream."""

    def __init__(self, describe: Callable[P, Streamed[T_co]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> Callable[P, Streamed[T_co]]: ...
    @overload
    def __get__(self, resource: Resource[Transport], owner: type) -> Callable[P, Stream[T_co]]: ...
    @overload
    def __get__(
        self, resource: Resource[AsyncTransport], owner: type
    ) -> Callable[P, Coroutine[Any, Any, AsyncStream[T_co]]]: ...
    def __get__(self, resource: Resource[Any] | None, owner: type) -> Callable[P, Any]:
        if resource is None:
            return self.describe

        @wraps(self.describe)
        def open(*args: P.args, **kwargs: P.kwargs) -> Any:
            return resource.transport.open(self.describe(*args, **kwargs))

        return open
