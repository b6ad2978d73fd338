"""The child process of a job as the worker sees it: one process carries out the job's stages, one after the other."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Thread

from whence import child_process
from whence.worker.messages import StageEvent, StageRequest

POLL = 0.5
"""Seconds without an event after which the caller gets a turn."""
GRACE = 2.0
"""Seconds that the process has to end by itself."""


class JobProcess:
    """A running child process. It loads torch once, for any number of stages."""

    def __init__(self) -> None:
        self._child = child_process.spawn("whence.worker.stage_process", stdout=subprocess.PIPE)
        self._lines: Queue[bytes | None] = Queue()
        Thread(target=self._read, daemon=True).start()

    @property
    def alive(self) -> bool:
        """True while the process is running."""
        return self._child.poll() is None

    def send(self, request: StageRequest) -> None:
        """Begin a stage; `events` yields what comes of it."""
        assert self._child.stdin
        with suppress(BrokenPipeError):  # it is dead: `events` says so
            self._child.stdin.write(json.dumps(request.to_dict()).encode() + b"\n")
            self._child.stdin.flush()

    def events(self) -> Iterator[StageEvent | None]:
        """Yield the events of the stage up to its result or failure, the death of the process included; None every
        `POLL` seconds, however busy the process is."""
        polled = time.monotonic()
        while True:
            event = self._next()
            if event is not None:
                yield event
                if event.progress is None:
                    return
            if time.monotonic() - polled >= POLL:
                polled = time.monotonic()
                yield None

    def end(self) -> None:
        """End the process, even in the middle of a stage."""
        with suppress(BrokenPipeError):
            child_process.end(self._child, GRACE)

    def _read(self) -> None:
        assert self._child.stdout
        with self._child.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def _next(self) -> StageEvent | None:
        try:
            line = self._lines.get(timeout=POLL)
        except Empty:
            return None
        return StageEvent(failure=death(self._child.wait())) if line is None else StageEvent(**json.loads(line))


def death(code: int) -> str:
    """Describe the end of a process that sent no result; a negative code is the number of a signal."""
    if code < 0:
        return f"The process was ended by signal {-code}; this machine may have run out of memory."
    return f"The process ended with exit code {code} without any message."
