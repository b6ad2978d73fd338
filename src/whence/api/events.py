"""Server-sent events. SeekrFlow's client reads nothing but `data:` lines of ASCII: no comments, no pings."""

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

DONE = b"data: [DONE]\n\n"
PING = b": still here\n\n"
"""Keeps a silent stream open, where SeekrFlow's client does not listen."""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def data(body: Any) -> bytes:
    """One event. Everything beyond ASCII is escaped: some of it would end a line for a client."""
    return f"data: {json.dumps(body, ensure_ascii=True)}\n\n".encode("ascii")


def named(name: str, body: Any, number: int | None = None) -> bytes:
    """One event with a name, for browsers, and with the number after which they go on when they were cut off."""
    numbered = "" if number is None else f"id: {number}\n"
    return f"event: {name}\n{numbered}".encode("ascii") + data(body)


async def stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """The events as a response. The first is awaited before, so that an error in it has its own status."""
    first = await anext(events)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for event in events:
            yield event

    return StreamingResponse(whole(), media_type="text/event-stream", headers=HEADERS)
