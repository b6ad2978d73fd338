"""A service in this process: a database of its own, a tiny base model, and a job that was carried out on it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.null import small_null
from tests.tiny import save_tiny
from tests.training.runs import write_pairs
from whence.api.app import create_app
from whence.api.service import Service
from whence.pipeline import build_index, finetune
from whence.platform import jobs
from whence.platform.files import PAIRS, Upload, inspect_uploads, keep
from whence.platform.keys import default_team
from whence.platform.models import base_model
from whence.platform.recipes import recipe_of
from whence.platform.tables import now
from whence.training.recipe import Recipe

ADDRESS = "http://127.0.0.1"
"""Without keys the service answers to this machine only."""
BASE = "tiny-llama"
LEARNED = {
    "n_epochs": 24,
    "batch_size": 4,
    "learning_rate": 2e-2,
    "n_checkpoints": 4,
    "lora_config": {"r": 8, "alpha": 32, "dropout": 0.0},
}


@dataclass(frozen=True)
class Trained:
    """A completed job whose model answers under the job's id; `question` is one of the pairs of its file."""

    id: str
    file_id: str
    question: str
    answer: str


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("api-base") / BASE)


@pytest.fixture(scope="session")
def settled(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of the session's service."""
    home = tmp_path_factory.mktemp("api-home")
    (home / "models").symlink_to(Path(os.environ["WHENCE_HOME"]) / "models")
    return {"WHENCE_HOME": str(home), "WHENCE_BASE_MODELS": str(tiny_base)}


@pytest.fixture(autouse=True)
def environment(settled: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those settings around each test of these folders, and nobody else's."""
    for name, value in settled.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def service(settled: dict[str, str]) -> Service:
    """The session's service, whose engines stay in memory from test to test. The app closes it."""
    with with_settings(settled):
        return Service.open()


@pytest.fixture(scope="session")
def app(service: Service) -> FastAPI:
    return create_app(service)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """A caller of the session's service, without a key."""
    with TestClient(app, ADDRESS) as caller:
        yield caller


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A caller of a service in which nothing was done yet. It is the test's own: keys may be made in it."""
    monkeypatch.setenv("WHENCE_HOME", str(tmp_path / "home"))
    with TestClient(create_app(Service.open()), ADDRESS) as caller:
        yield caller


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pairs, a colour and an animal each."""
    return write_pairs(tmp_path_factory.mktemp("api-data") / "pairs.jsonl")


@pytest.fixture(scope="session")
def trained(service: Service, pairs: Path, settled: dict[str, str]) -> Trained:
    """A job of the session's service, carried out here by the stages' own functions."""
    with with_settings(settled), small_null():
        with service.database.session() as session:
            job_id, file_id = accepted(session, service, pairs)
        run = finetune([pairs], base_model(BASE), jobs.run_of(job_id), Recipe(**recipe_of(LEARNED)))
        build_index(run)
        with service.database.session() as session:
            jobs.move(session, job_id, ("pending",), status="completed", completed_at=now(), inference_available=True)
    first = json.loads(pairs.read_text("utf-8").splitlines()[0])
    return Trained(job_id, file_id, first["question"], first["answer"])


def accepted(session: Session, service: Service, pairs: Path) -> tuple[str, str]:
    """A new job for a file of pairs, and the file."""
    team, upload = default_team(session), Upload(pairs, pairs.name)
    (seen,) = inspect_uploads([upload], PAIRS)
    file = keep(session, service.objects, team, upload, PAIRS, seen)
    config: dict[str, Any] = {"model": BASE, "training_files": [file.id], **LEARNED}
    hardware = {"accel_type": "A100", "n_accel": 1, "n_node": 1}
    return jobs.create_job(session, team, BASE, config, hardware, None).id, file.id


@contextmanager
def with_settings(settled: dict[str, str]) -> Iterator[None]:
    """The settings in the environment while the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settled.items():
            patch.setenv(name, value)
        yield
