"""Errors on standard error, for a person or a program."""

import json
import sys
import textwrap
from dataclasses import asdict
from typing import Any

from cyclopts import CycloptsError

from whence.cli.output import WIDTH
from whence.errors import DataError, WhenceError

FAILED, USAGE, STOPPED = 1, 2, 130
LOCAL = {"accelerate", "bm25s", "gguf", "jaxtyping", "peft", "safetensors", "scipy", "torch", "transformers"}
"""Packages of the extra `local`."""


def tell(error: Exception, as_json: bool) -> bool:
    """Show the error if a user can act on it; True if so."""
    message = message_of(error)
    if message is None:
        return False
    if as_json:
        _print_json(type(error).__name__, message, error)
    else:
        print(wrapped(message), file=sys.stderr)
    return True


def tell_stopped(as_json: bool) -> None:
    """Show that the user stopped the command, and how to resume it."""
    message = "Stopped. Run the same command again to resume."
    if as_json:
        _print_json("Stopped", message)
    else:
        print(f"\n{message}", file=sys.stderr)


def message_of(error: Exception) -> str | None:
    """The text of an error that a user can act on, None for any other."""
    if isinstance(error, WhenceError):
        return str(error)
    if isinstance(error, CycloptsError):
        return f"{error}\nSee: {' '.join(['whence', *(error.command_chain or ()), '--help'])}"
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in LOCAL:
        return f"This command needs the package {error.name}. Install it with: pip install 'whence[local]'"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'The operating system reports'}: {error.strerror}."
    return None


def wrapped(text: str) -> str:
    """The text in lines of at most 80 columns; continuation lines of an indented line are indented further.

    Words are never broken, so that a path longer than a line can still be copied.
    """
    return "\n".join(_wrapped_line(line) for line in text.splitlines())


def _wrapped_line(line: str) -> str:
    body = line.lstrip()
    indent = " " * (len(line) - len(body))
    hanging = indent + "  " if indent else ""
    return textwrap.fill(
        body,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print_json(kind: str, message: str, error: Exception | None = None) -> None:
    body: dict[str, Any] = {"kind": kind, "message": message}
    if isinstance(error, DataError):
        body["faults"] = [asdict(fault) for fault in error.faults]
    print(json.dumps({"error": body}, indent=2), file=sys.stderr)
