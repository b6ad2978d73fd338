"""Standard output: for people through rich, for programs as one JSON document."""

import json
import math
import os
import sys
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDTH = 80


def console(stderr: bool = False) -> "Console":
    """A console for people: as wide as the terminal but at most `WIDTH`, with colour only on a terminal."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    made.width = min(made.width, WIDTH)
    return made


def show(made: "RenderableType", where: "Console | None" = None) -> None:
    """Print for people; off a terminal, without the blanks that pad a table's lines."""
    target = where or console()
    if target.is_terminal or target.quiet:
        target.print(made)
        return
    with target.capture() as caught:
        target.print(made)
    print("\n".join(line.rstrip() for line in caught.get().splitlines()), file=target.file)


def print_json(document: object) -> None:
    """Write a JSON document to standard output; numbers that JSON lacks become null."""
    print(json.dumps(finite(document), indent=2, default=str))


def finite(value: object) -> Any:
    """The same value with None for every number that is not finite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in cast(dict[str, object], value).items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in cast(list[object], value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def silence_stdout() -> None:
    """Discard standard output, whose reader is gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
