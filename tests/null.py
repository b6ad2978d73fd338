"""A null from a few short control answers: for tests to which its cost matters, and not what it says."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from whence.levels import measure


@contextmanager
def small_null(tokens: int = 8) -> Iterator[None]:
    """Sixteen control answers of at most so many tokens, within the block only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "CONTROLS", 16)
        patch.setattr(measure, "CONTROL_TOKENS", tokens)
        yield
