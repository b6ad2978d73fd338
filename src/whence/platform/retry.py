"""Trying again while the database is away."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, OperationalError

T = TypeVar("T")
PATIENCE = 86_400.0
"""Seconds: what a job has computed must not be lost because its database is away for long."""
FIRST, LONGEST = 0.2, 5.0


def retry_while_unavailable(work: Callable[[], T], seconds: float = PATIENCE) -> T:
    """Return what `work` returns; call it again while the database cannot be reached, for at most `seconds`.

    `work` must be one transaction: it is either done whole or not at all.
    """
    deadline, pause = time.monotonic() + seconds, FIRST
    while True:
        try:
            return work()
        except DBAPIError as error:
            if not is_away(error) or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)


def is_away(error: DBAPIError) -> bool:
    """True if an error says that the database cannot be reached or is locked, not that a statement is wrong."""
    return error.connection_invalidated or isinstance(error, OperationalError)
