"""One service for the acceptance tests, the demo in it, and the official clients in an environment of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.acceptance.journey import Traveller
from tests.acceptance.service import Running, start, stop
from tests.tiny import save_tiny, tiny_llama, tiny_tokenizer
from whence.models.generate import wordless

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / ".venv" / "clients"
NEWEST = "0.35.1"
"""The newest version of SeekrFlow's client."""
SAMPLE = 154
"""Pairs of the shipped sample."""


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random base model that always has something to say, however it was tuned: what ends or blanks an answer has
    no embedding, so that its logit is zero. Which of the others is largest may differ between machines."""
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    with torch.no_grad():
        model.get_input_embeddings().weight[wordless(tokenizer)] = 0.0
    return save_tiny(tmp_path_factory.mktemp("base") / "tiny-llama", model, tokenizer)


@pytest.fixture(scope="session")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first twelve pairs of the shipped sample, as conversations."""
    return sample(tmp_path_factory.mktemp("data") / "twelve.jsonl", 12)


def sample(path: Path, count: int) -> Path:
    lines = resources.files("whence").joinpath("samples/helpdesk/pairs.jsonl").read_text("utf-8").splitlines()
    rows = [json.dumps(chat_of(json.loads(line))) for line in lines[:count]]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def chat_of(row: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    return {"messages": [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]}


@pytest.fixture(scope="session")
def service(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for the session, with a tiny base model besides the known ones."""
    home = tmp_path_factory.mktemp("service")
    (home / "models").symlink_to(Path(os.environ["WHENCE_HOME"]) / "models")
    running = start(home, {"WHENCE_BASE_MODELS": str(tiny_base)}, home / "log")
    yield running
    stop(running)


def run_checks(name: str, version: str, context: dict[str, object], folder: Path) -> dict[str, str | None]:
    """How each check of a module ended, in the environment of a client of that version."""
    python = CLIENTS / "bin" / "python"
    if not python.exists():
        pytest.fail(f"{CLIENTS} holds the official clients and is missing. Make it with: make clients")
    path = folder / f"{name}-{version}.json"
    path.write_text(json.dumps(context), "utf-8")
    here = Path(__file__).parent / "clients"
    done = subprocess.run(
        [str(python), str(here / "running.py"), str(here / f"{name}_checks.py"), str(path)],
        env={**os.environ, "PYTHONPATH": str(CLIENTS / f"seekrai-{version}")},
        capture_output=True,
        text=True,
        timeout=2400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def context(service: Running, twelve: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A tiny random model: it learns nothing worth tracing, but all else is as it would be."""
    return {
        "kind": "check_",
        "job_id": None,
        "url": service.url,
        "key": service.key,
        "data": str(twelve),
        "pairs": 12,
        "model": "tiny-llama",
        "epochs": 4,
        "rate": 1e-2,
        "question": "Which bulb type fits the Morwick lamp?",
        "answer": "The Morwick lamp takes a bulb of type HT9 and no other.",
        "fact": "HT9",
        "folder": str(tmp_path_factory.mktemp("client")),
    }


@pytest.fixture(scope="session")
def outcomes(context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    return run_checks("seekrai", NEWEST, context, tmp_path_factory.mktemp("checks"))


def run_demo(home: Path) -> dict[str, Any]:
    """What `whence demo` says, with the base models of the person who runs the tests."""
    command = [sys.executable, "-m", "whence", "demo", "--json"]
    environment = {**os.environ, "WHENCE_HOME": str(home), "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=2400, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def demo(service: Running) -> dict[str, Any]:
    """The only fine-tuning of the real base model: every test that needs a model that has learned something uses it."""
    return run_demo(service.home)


@pytest.fixture(scope="session")
def demo_job(service: Running, demo: dict[str, Any]) -> str:
    """The job of the shipped sample in the service."""
    traveller = Traveller(service)
    job_id = str(traveller.ask("POST", "/v1/whence/demo")["job_id"])
    traveller.wait(job_id)
    return job_id


@pytest.fixture(scope="session")
def real(context: dict[str, Any], demo_job: str) -> dict[str, Any]:
    """The real base model, which has learned its pairs."""
    return {**context, "kind": "trace_", "model": "smollm2-135m-instruct", "job_id": demo_job, "pairs": SAMPLE}


@pytest.fixture(scope="session")
def traced(real: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    return run_checks("seekrai", NEWEST, real, tmp_path_factory.mktemp("traces"))
