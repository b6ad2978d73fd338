"""What the process of the API takes: no torch, and little memory, whatever is asked of it."""

import os
import subprocess
import sys
from pathlib import Path

MEGABYTES = 250
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
