"""The content of an uploaded file, read to its end in bounded memory before it is stored.

A Parquet file of a few kilobytes can unfold to any size, so those are read in a process of their own whose memory is
limited: `python -m whence.platform.inspection FILE NAME`.
"""

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whence import settings
from whence.data.identity import file_id_of
from whence.data.validate import examples
from whence.errors import DataError, Fault
from whence.types import Example

MEMORY = 2 << 30
"""Bytes of address space that reading a Parquet file may take."""
PATIENCE = 300.0
SHOWN = 5


@dataclass(frozen=True)
class Inspected:
    """A sound file: how many pairs it holds (None for a document), and names of its bytes."""

    examples: int | None
    sha256: str
    content_id: str


def inspect(path: Path, name: str, kind: str, pairs: bool) -> Inspected:
    """Return what the file at `path`, known to the user as `name`, holds.

    Raises:
        DataError: a line breaks a rule; the message names the file and the line.
    """
    if path.stat().st_size == 0:
        raise DataError(f"{name}: the file is empty. Add pairs to it.")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    count = (apart(path, name) if kind == "parquet" else count_pairs(path, name)) if pairs else None
    return Inspected(count, sha256, file_id_of(sha256))


def count_pairs(path: Path, name: str, most: float = math.inf) -> int:
    """The number of pairs in a file, whose text may have `most` characters in all.

    Raises:
        DataError: a line breaks a rule, or there is more text.
        MemoryError: the memory of this process is not enough.
    """
    faults: list[str] = []
    count = size = 0
    try:
        for found in examples(path):
            if isinstance(found, Fault):
                faults.append(sentence(found, name))
                if len(faults) > SHOWN:
                    break
                continue
            count += 1
            size += length_of(found)
            if size > most:
                raise MemoryError
    except DataError as error:
        if isinstance(error.__cause__, MemoryError):
            raise error.__cause__ from None
        faults += [sentence(fault, name) for fault in error.faults]
    if faults:
        more = " There are more." if len(faults) > SHOWN else ""
        raise DataError(" ".join(faults[:SHOWN]) + more)
    return count


def length_of(example: Example) -> int:
    """Characters of what an example says that earlier ones of its line did not."""
    new = example.messages[-2:] if example.turn else example.messages
    return sum(len(message.content) for message in new)


def sentence(fault: Fault, name: str) -> str:
    """A fault with the file as its owner calls it, and the line in words."""
    where = f"{name}, line {fault.line}" if fault.line else name
    value = f" (found {fault.value})" if fault.value else ""
    return f"{where}: {fault.rule}{value}. {fault.fix}"


def apart(path: Path, name: str) -> int:
    """`count_pairs` in a process of limited memory, with as much text as an upload may have.

    Raises:
        DataError: a row breaks a rule, or reading the file takes more memory or time than it may.
    """
    told = limited(__name__, path, name)
    if "error" in told:
        raise DataError(told["error"])
    return int(told["examples"])


def limited(module: str, path: Path, name: str) -> dict[str, Any]:
    """Return what a module reports on a file; it runs as a process with limited memory and calls `within_limits`.

    Raises:
        DataError: reading the file takes more memory or time than it may.
    """
    words = [sys.executable, "-m", module, str(path), name]
    try:
        done = subprocess.run(words, capture_output=True, timeout=PATIENCE, check=False, cwd="/")
        return json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise DataError(
            f"{name}: the rows unfold to more text than {settings.largest_upload():,} characters, a row group takes "
            f"more than {MEMORY >> 30} GiB, or reading takes more than {PATIENCE:.0f} s. Split the file, or write it "
            "with smaller row groups."
        ) from error


def within_limits(tell: Callable[[Path, str, float], dict[str, Any]]) -> int:
    """Say what `tell` finds in the file that this process was started for; the exit code is 1 if memory ran out."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        print(json.dumps(tell(Path(sys.argv[1]), sys.argv[2], settings.largest_upload())))
    except MemoryError:
        return 1
    return 0


def told(path: Path, name: str, most: float) -> dict[str, Any]:
    """Return the number of pairs in a file, or the reason for refusing it."""
    try:
        return {"examples": count_pairs(path, name, most)}
    except DataError as error:
        return {"error": str(error)}


if __name__ == "__main__":
    sys.exit(within_limits(told))
