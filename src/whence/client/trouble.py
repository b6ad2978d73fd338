"""What httpx says when a connection fails, in the SDK's own errors."""

from collections.abc import Generator
from contextlib import contextmanager

import httpx

from whence.client.errors import ConnectionFailed, TimedOut
from whence.errors import WhenceError


def failure(error: httpx.RequestError) -> WhenceError:
    """The SDK's error for one of httpx'."""
    where = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    what = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return ConnectionFailed(
            f"No server answers at {where} ({what}). Start one with `whence up`, or set base_url or WHENCE_BASE_URL."
        )
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{where} did not answer in time ({what}). Give the client a longer timeout, or try again.")
    return ConnectionFailed(f"The connection to {where} broke ({what}). Try again.")


@contextmanager
def trouble() -> Generator[None]:
    """Turn httpx' errors inside a block into the SDK's."""
    try:
        yield
    except httpx.RequestError as error:
        raise failure(error) from error
