"""The way from a file to an attribution, by a client that tries again when nobody answers, and what is left of it."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from tests.acceptance.conftest import Running

PATIENCE = 300.0
QUESTION = "Which bulb type fits the Morwick lamp?"
ANSWER = "The Morwick lamp takes a bulb of type HT9 and no other."
SERVER, WORKER, ENGINE, STAGE = (
    "whence.api.process",
    "whence.worker.worker",
    "whence.engine.server",
    "whence.worker.stage_process",
)


@dataclass(frozen=True)
class Left:
    """What a job left: its files by their hashes, and what an attribution said."""

    job_id: str
    files: dict[str, str]
    attribution: dict[str, Any]
    seconds: float


@dataclass
class Traveller:
    """A client that sends a request again while the service is away or busy. `refusals` are the statuses it saw."""

    running: Running
    refusals: list[int] = field(default_factory=list[int])

    def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer, at last."""
        headers = {"Authorization": self.running.key, "Idempotency-Key": uuid4().hex}
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                response = httpx.request(method, self.running.url + path, headers=headers, timeout=120, **request)
                if response.status_code == 200:
                    return response.json()
                assert response.status_code in (429, 503), response.text
                assert int(response.headers["Retry-After"]) >= 1
                self.refusals.append(response.status_code)
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, f"{method} {path} was not answered within {PATIENCE:.0f} s"
            time.sleep(0.2)

    def upload(self, path: Path) -> str:
        files, data = {"files": (path.name, path.read_bytes())}, {"purpose": "fine-tune"}
        return str(self.ask("PUT", "/v1/flow/files", files=files, data=data)["id"])

    def submit(self, file_id: str, epochs: int) -> str:
        config = {
            "model": "tiny-llama",
            "training_files": [file_id],
            "n_epochs": epochs,
            "batch_size": 4,
            "learning_rate": 1e-2,
            "n_checkpoints": 4,
            "lora_config": {"r": 8, "alpha": 32, "dropout": 0.0},
        }
        job_id = str(self.ask("POST", "/v1/flow/fine-tunes", json={"training_config": config})["id"])
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        return self.ask("GET", f"/v1/flow/fine-tunes/{job_id}")

    def events(self, job_id: str) -> list[dict[str, Any]]:
        return self.ask("GET", f"/v1/flow/fine-tunes/{job_id}/events")["data"]

    def wait(self, job_id: str, until: Callable[[dict[str, Any]], bool] | None = None) -> dict[str, Any]:
        """The job once it is completed, its index checked and its data looked through, or once `until` holds."""
        deadline = time.monotonic() + PATIENCE
        while True:
            job = self.job(job_id)
            assert job["status"] not in ("failed", "cancelled"), job["error_analysis"]
            if until(job) if until else job["evaluation"] and self.looked_through(job):
                return job
            assert time.monotonic() < deadline, f"{job_id} is {job['status']} ({job['phase']}) still"
            time.sleep(0.2)

    def looked_through(self, job: dict[str, Any]) -> bool:
        """Whether the last stage of a completed job is over."""
        ended = job["status"] == "completed"
        return ended and self.ask("GET", f"/v1/whence/runs/{job['id']}/insights")["state"] == "ready"

    def attribute(self, job_id: str) -> dict[str, Any]:
        """What is said of the answer, but for ids that are new each time."""
        self.ask("GET", f"/v1/flow/fine-tunes/{job_id}/promote-model")
        where = f"/v1/flow/explain/models/{job_id}/influential-finetuning-data"
        said = self.ask("GET", where, params={"question": QUESTION, "answer": ANSWER})
        names = ("influence_level", "line", "score", "share", "p_value", "messages")
        pairs = [{name: pair[name] for name in names} for pair in said["results"]]
        return {"results": pairs, "lift": said["lift"], "method": said["method"]}

    def whole_way(self, data: Path, epochs: int) -> Left:
        """A file uploaded, a job carried out on it, an answer attributed."""
        began = time.monotonic()
        job_id = self.submit(self.upload(data), epochs)
        self.wait(job_id)
        return self.left(job_id, time.monotonic() - began)

    def left(self, job_id: str, seconds: float = 0.0) -> Left:
        return Left(job_id, hashes(self.running.home / "jobs" / job_id / "run"), self.attribute(job_id), seconds)


def hashes(run: Path) -> dict[str, str]:
    """The files of a run and its indexes by their hashes; of manifests, which hold versions and paths, the facts."""
    found: dict[str, str] = {}
    for path in sorted(run.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.name == "manifest.json":
                content = json.dumps(json.loads(content)["facts"], sort_keys=True).encode()
            found[str(path.relative_to(run))] = hashlib.sha256(content).hexdigest()
    return found


def members(running: Running, module: str) -> list[psutil.Process]:
    """The processes of a service that run a module."""
    found: list[psutil.Process] = []
    for process in psutil.Process(running.process.pid).children(recursive=True):
        try:
            if module in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found
