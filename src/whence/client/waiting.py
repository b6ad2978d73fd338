"""Waiting for something that the server does by itself: asking now and then."""

from collections.abc import Callable, Generator
from time import monotonic
from typing import Any, TypeVar

from whence.client.calls import Pause, Step, Steps
from whence.client.errors import TimedOut

T = TypeVar("T")
FIRST_POLL, LONGEST_POLL = 0.5, 5.0
"""Seconds between two looks: few at the beginning, for what takes a moment."""


def until(look: Callable[[], Steps[T]], over: Callable[[T], bool], timeout: float | None) -> Generator[Step, Any, T]:
    """What `look` sees when it is over. Raises `TimedOut` after `timeout` seconds; the work itself goes on."""
    begun = monotonic()
    pause = FIRST_POLL
    while True:
        seen = yield from look()
        if over(seen):
            return seen
        if timeout is not None and monotonic() - begun + pause > timeout:
            raise TimedOut(f"Not over within {timeout:g} s: {seen!r}. It goes on; wait again, or longer.")
        yield Pause(pause)
        pause = min(1.5 * pause, LONGEST_POLL)
