"""A child process that cannot outlive its parent: it ends when the pipe to its standard input is closed.

The kernel closes the pipe however the parent ends, so that nothing is left behind after a `kill -9`.
"""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ORPHANED = 75
YIELDING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that wait for each other sleep rather than spin: on two cores, two processes that compute at the same time
did four times the work for it, and one alone lost nothing."""


def spawn(
    module: str, words: Sequence[str] = (), environment: Mapping[str, str] | None = None, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """A running `python -m module words…` in a process group of its own, tied to this process."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdin=subprocess.PIPE,
        stdout=stdout,
        env={**YIELDING, **os.environ, **(environment or {})},
        start_new_session=True,  # an interrupt from the keyboard goes to the parent, which decides
        cwd=Path("/"),
    )


def exit_with_parent(receive: Callable[[bytes], object] | None = None) -> None:
    """Tie this process to the one that spawned it: from now on it ends with it, at once.

    `receive` gets each line that the parent writes meanwhile, on a thread of its own. A process that was not spawned by
    `spawn` has no pipe as its standard input, and is left as it is.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return
    # Standard input is moved: whatever else reads it in this process must not take lines or the end away from us.
    watched = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with, args=(watched, receive), name="parent", daemon=True).start()


def _end_with(pipe: int, receive: Callable[[bytes], object] | None) -> None:
    with os.fdopen(pipe, "rb") as lines:
        for line in lines:
            if receive:
                receive(line)
    os._exit(ORPHANED)


def end(process: subprocess.Popen[bytes], patience: float) -> None:
    """Ask a child to end, and make it end after `patience` seconds."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()
