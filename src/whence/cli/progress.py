"""Progress on standard error: bars on a terminal, plain lines elsewhere, nothing with --json."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from whence.cli.lines import Lines
from whence.cli.output import console
from whence.types import Report, silent


@contextmanager
def reporting(as_json: bool, stream: TextIO | None = None) -> Generator[Report]:
    """Yield the `Report` that suits standard error."""
    where = stream or sys.stderr
    if as_json:
        yield silent
    elif where.isatty():
        from whence.cli.bars import bars

        with bars(console(stderr=True)) as shown:
            yield shown
    else:
        yield Lines(where)
