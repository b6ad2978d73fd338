"""A service as a person starts it: `whence up` in processes of its own."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Running:
    """A service that runs: `whence up` with a home of its own and one key."""

    url: str
    key: str
    home: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, environment: dict[str, str], log: Path, port: int | None = None) -> Running:
    """`whence up`, answering."""
    settings = {**os.environ, "WHENCE_HOME": str(home), "OMP_NUM_THREADS": "2", **environment}
    made = subprocess.run(
        [sys.executable, "-m", "whence", "keys", "create", "--json"], env=settings, capture_output=True, check=True
    )
    port = port or free_port()
    words = [sys.executable, "-m", "whence", "up", "--port", str(port)]
    with log.open("ab") as out:
        process = subprocess.Popen(words, env=settings, stdout=out, stderr=out)
    running = Running(f"http://127.0.0.1:{port}", json.loads(made.stdout)["key"], home, process, settings)
    wait_until_ready(running, log)
    return running


def wait_until_ready(running: Running, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{running.url}/readyz", timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.1)


def stop(running: Running) -> None:
    running.process.terminate()
    running.process.wait(60)
