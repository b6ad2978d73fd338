"""A running service for benchmarks: `whence up` with a home of its own and a fine-tuned model."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import httpx
import psutil

from tests.tiny import save_tiny
from whence import settings

TINY = "tiny-llama"
QUESTION = "Which bulb type fits the Morwick lamp?"
ANSWER = "The Morwick lamp takes a bulb of type HT9 and no other."
PAIRS = 12
READY, PATIENCE = 120.0, 3600.0


@dataclass(frozen=True)
class Service:
    """A running service."""

    url: str
    key: str
    home: Path
    process: subprocess.Popen[bytes]

    def client(self) -> httpx.Client:
        """A client that keeps its connection."""
        return httpx.Client(base_url=self.url, headers={"Authorization": self.key}, timeout=PATIENCE)

    def run_of(self, job_id: str) -> Path:
        """The folder of a job's run."""
        return self.home / "jobs" / job_id / "run"

    def trained(self, model: str) -> str:
        """A completed job on a few pairs of the shipped sample, whose model answers under the job's id."""
        lines = resources.files("whence").joinpath("samples/helpdesk/pairs.jsonl").read_bytes().splitlines(True)
        with self.client() as client:
            files = {"files": ("pairs.jsonl", b"".join(lines[:PAIRS]))}
            file_id = _read(client.put("/v1/flow/files", files=files, data={"purpose": "fine-tune"}))["id"]
            config = {
                "model": model,
                "training_files": [file_id],
                "n_epochs": 8,
                "learning_rate": 2e-3,
                "lora_config": {"r": 8, "alpha": 32, "dropout": 0.0},
            }
            job_id = str(_read(client.post("/v1/flow/fine-tunes", json={"training_config": config}))["id"])
            self._completed(client, job_id)
            _read(client.get(f"/v1/flow/fine-tunes/{job_id}/promote-model"))
        return job_id

    def _completed(self, client: httpx.Client, job_id: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while (job := _read(client.get(f"/v1/flow/fine-tunes/{job_id}")))["status"] != "completed":
            if job["status"] in ("failed", "cancelled") or time.monotonic() > deadline:
                raise SystemExit(f"The job is {job['status']}: {job['error_analysis']}")
            time.sleep(0.5)
        while self.memory("whence.worker.stage_process"):  # its index is still being checked
            time.sleep(0.5)

    def memory(self, module: str) -> int:
        """Bytes in memory of the processes that run a module; 0 if there are none."""
        found = 0
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if module in process.cmdline():
                    found += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return found


@contextmanager
def running(**environment: str) -> Generator[Service]:
    """A service with the usual base models and a tiny random one, removed at the end of the block."""
    home = Path(tempfile.mkdtemp(prefix="whence-benchmark-"))
    (home / "models").symlink_to(settings.models())
    base = save_tiny(home / TINY)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    chosen = {**os.environ, "WHENCE_HOME": str(home), "WHENCE_BASE_MODELS": str(base), **environment}
    whence = [sys.executable, "-m", "whence"]
    made = subprocess.run([*whence, "keys", "create", "--json"], env=chosen, capture_output=True, check=True)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([*whence, "up", "--port", str(port)], env=chosen, stdout=log, stderr=log)
    service = Service(f"http://127.0.0.1:{port}", json.loads(made.stdout)["key"], home, process)
    try:
        _wait_until_ready(service)
        yield service
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(home)


def _wait_until_ready(service: Service) -> None:
    deadline = time.monotonic() + READY
    while True:
        try:
            httpx.get(f"{service.url}/readyz").raise_for_status()
            return
        except httpx.HTTPError:
            if service.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit((service.home / "log").read_text("utf-8")[-3000:]) from None
            time.sleep(0.2)


def _read(response: httpx.Response) -> dict[str, str]:
    if response.status_code != 200:
        raise SystemExit(response.text)
    return response.json()
