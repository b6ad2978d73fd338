"""When a request is sent again, and after how long."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from whence.client.calls import Call

FIRST_WAIT = 0.5
"""Seconds before the second attempt; each further one waits twice as long, up to `LONGEST_BACKOFF`."""
LONGEST_BACKOFF = 8.0
LONGEST_WAIT = 120.0
"""Seconds that a server may ask us to wait. Longer, and the caller had better know."""

Outcome = httpx.Response | httpx.RequestError
"""The outcome of an attempt."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.DecodingError, httpx.TooManyRedirects)
REFUSED = {429, 503}
"""The server did not begin: any request may be sent again."""
LOST = {502, 504}
"""A gateway lost the server, which may have carried the request out."""


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `most` further attempts, with exponential backoff and jitter."""

    most: int

    def delay(self, attempt: int, call: Call[Any], outcome: Outcome) -> float | None:
        """Seconds to wait before the next attempt, None for no further one. `attempt` counts from 0.

        What the server may have carried out is sent again only if twice does no harm.
        """
        if attempt >= self.most or not worthwhile(call, outcome):
            return None
        asked = retry_after(outcome) if isinstance(outcome, httpx.Response) else None
        if asked is None:
            return min(FIRST_WAIT * 2**attempt, LONGEST_BACKOFF) * random.uniform(0.5, 1.0)
        return asked if asked <= LONGEST_WAIT else None


def worthwhile(call: Call[Any], outcome: Outcome) -> bool:
    """True if another attempt may succeed and can do no harm."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in REFUSED or (outcome.status_code in LOST and call.repeatable)
    if isinstance(outcome, HOPELESS):
        return False
    return call.repeatable or isinstance(outcome, NEVER_SENT)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks us to wait: the `Retry-After` header, a number or a date. None without one."""
    value = response.headers.get("retry-after", "").strip()
    if value.replace(".", "", 1).isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
