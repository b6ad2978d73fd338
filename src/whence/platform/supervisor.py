"""Keeps the processes of the service running, the API and the worker: restarts each one that dies."""

import ipaddress
import logging
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from whence import child_process
from whence.platform.logs import start_logging

POLL = 0.2
SETTLED = 30.0
"""Seconds after which a process counts as running well, and may die again without a pause."""
LONGEST_PAUSE = 10.0
PATIENCE = 35.0
"""Seconds that a process has to finish what it is doing when the service stops."""
log = logging.getLogger("whence.supervisor")


@dataclass
class Member:
    """One process of the service."""

    module: str
    words: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    pause: float = 0.0
    due: float = field(default=0.0)

    def tend(self, now: float) -> None:
        """Start it if it is not running; after early deaths with a growing pause."""
        if self.process is not None and self.process.poll() is not None:
            code, lived = self.process.returncode, now - self.began
            self.pause = 0.0 if lived > SETTLED else min(max(2 * self.pause, 0.5), LONGEST_PAUSE)
            log.warning("process ended; it is started again", extra={"member": self.module, "code": code})
            child_process.end(self.process, 0.0)
            self.process, self.due = None, now + self.pause
        if self.process is None and now >= self.due:
            self.process, self.began = child_process.spawn(self.module, self.words), now


def serve(host: str, port: int, stopping: threading.Event | None = None) -> None:
    """Run the service until it is stopped; the next start resumes running jobs from their last checkpoint."""
    start_logging("supervisor")
    stop = stopping or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    members = [Member("whence.api.process", (host, str(port))), Member("whence.worker.worker")]
    try:
        while not stop.is_set():
            for member in members:
                member.tend(time.monotonic())
            stop.wait(POLL)
    finally:
        enders = [threading.Thread(target=_end, args=(member,)) for member in members]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()


def is_loopback(host: str) -> bool:
    """True if only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _end(member: Member) -> None:
    if member.process is not None:
        child_process.end(member.process, PATIENCE)


def wait_until_ready(host: str, port: int, seconds: float) -> bool:
    """Return True if the API answers within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
