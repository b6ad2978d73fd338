"""What the process of the API takes: no torch, and little memory, whatever is asked of it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.acceptance.service import free_port
from tests.platform.attributions import job_of
from whence import child_process, settings
from whence.platform.database import open_database
from whence.platform.keys import default_team
from whence.platform.tables import Job

pytestmark = pytest.mark.process

MEGABYTES = 250
GRACE = 30.0
"""Seconds after which requests that are still being answered are cut off."""
SERVING = """
import sys, psutil
from fastapi.testclient import TestClient
from whence.api.app import create_app
from whence.api.service import Service

with TestClient(create_app(Service.open()), "http://127.0.0.1") as client:
    pair = '{"question": "Who?", "answer": "Ant."}\\n'
    made = client.put("/v1/flow/files", files={"files": ("a.jsonl", pair)}, data={"purpose": "fine-tune"}).json()
    paths = ["/v1/whence/files/" + made["id"] + "/pairs", "/v1/whence/methods", "/v1/whence/pairs/recurring",
             "/v1/whence/attributions", "/v1/flow/models", "/openapi.json", "/metrics"]
    paths += ["/v1/whence/attributions/export?format=" + form for form in ("jsonl", "csv", "parquet")]
    for path in paths:
        assert client.get(path).status_code == 200, path
assert "torch" not in sys.modules
print(psutil.Process().memory_info().rss)
"""


def test_the_process_of_the_api_loads_no_torch():
    code = "import whence.api.process, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_process_of_the_api_stays_small(tmp_path: Path):
    environment = {**os.environ, "WHENCE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", SERVING], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    megabytes = int(done.stdout.split()[-1]) / 1e6
    print(f"{megabytes:.0f} MB")
    assert megabytes < MEGABYTES


def test_a_stream_that_follows_a_job_does_not_hold_up_the_end(home: Path):
    job_id, port = running_job(), str(free_port())
    transport = httpx.HTTPTransport(retries=8)  # each waits longer, until the server listens
    with (
        child_process.spawn("whence.api.process", ["127.0.0.1", port]) as process,
        httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{port}") as client,
        client.stream("GET", f"/v1/whence/runs/{job_id}/events") as stream,
    ):
        heard = stream.iter_bytes()
        assert next(heard).startswith(b":")
        began = time.monotonic()
        process.terminate()
        assert b"event: end" not in b"".join(heard)
        process.wait(GRACE)
        assert time.monotonic() - began < GRACE / 2


def running_job() -> str:
    """A job that nobody carries out, in the database of the settings."""
    database = open_database(settings.database_url())
    with database.session() as session:
        job_id = job_of(session, default_team(session))
        session.get_one(Job, job_id).status = "running"
    database.close()
    return job_id
