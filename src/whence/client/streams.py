"""An answer that arrives piece by piece, for a `for` loop or an `async for` loop."""

import json
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Any, Generic, TypeVar

import httpx

from whence.client.errors import ApiError, ConnectionFailed, refusal, translated
from whence.client.events import EventParser, ServerEvent

T = TypeVar("T")


class Reader(Generic[T]):
    """Bytes to items, until the stream says that it is over: `event: end`, or OpenAI's `data: [DONE]`."""

    def __init__(self, parse: Callable[[Any], T]) -> None:
        self.parse = parse
        self.over = False
        self._parser = EventParser()

    def feed(self, chunk: bytes) -> list[T]:
        """The items that this chunk completes. Raises the `ApiError` that the server sent in place of one."""
        items: list[T] = []
        for event in self._parser.feed(chunk):
            self.over = self.over or event.name == "end" or event.data == "[DONE]"
            if not self.over:
                items.append(self._item(event))
        return items

    def _item(self, event: ServerEvent) -> T:
        try:
            data = json.loads(event.data)
            if event.name != "error" and "error" not in data:
                return self.parse(data)
        except (KeyError, TypeError, ValueError) as error:
            raise ApiError(200, "The server streamed something other than an event of Whence", event.data) from error
        raise refusal(int(data.get("status") or 500), data)

    def finish(self) -> None:
        """None after a whole stream. Raises `ConnectionFailed` for one that was cut off."""
        if not self.over:
            raise ConnectionFailed("The server ended the stream before its end mark: what came is not all. Ask again.")


class Stream(Generic[T]):
    """Items as they arrive. Ends the request when all are read, on `close()`, and at the end of a `with` block."""

    def __init__(self, response: httpx.Response, parse: Callable[[Any], T]) -> None:
        self.response = response
        self._items = self._read(Reader(parse))

    def _read(self, reader: Reader[T]) -> Generator[T]:
        with closing(self.response), translated():
            for chunk in self.response.iter_bytes():
                yield from reader.feed(chunk)
                if reader.over:
                    return
            reader.finish()

    def __iter__(self) -> "Stream[T]":
        return self

    def __next__(self) -> T:
        return next(self._items)

    def __enter__(self) -> "Stream[T]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._items.close()
        self.response.close()


class AsyncStream(Generic[T]):
    """Items as they arrive. Ends the request when all are read, on `close()`, and at the end of an `async with`."""

    def __init__(self, response: httpx.Response, parse: Callable[[Any], T]) -> None:
        self.response = response
        self._items = self._read(Reader(parse))

    async def _read(self, reader: Reader[T]) -> AsyncGenerator[T]:
        with translated():
            async with aclosing(self.response):
                async for chunk in self.response.aiter_bytes():
                    for item in reader.feed(chunk):
                        yield item
                    if reader.over:
                        return
                reader.finish()

    def __aiter__(self) -> "AsyncStream[T]":
        return self

    async def __anext__(self) -> T:
        return await anext(self._items)

    async def __aenter__(self) -> "AsyncStream[T]":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._items.aclose()
        await self.response.aclose()
