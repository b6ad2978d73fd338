"""Jobs through the real worker and the real stages, on a tiny model; processes are killed in the middle of training."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from tests.platform.conftest import new_postgres
from tests.tiny import save_tiny, tiny_llama
from tests.training.runs import files_of, write_pairs
from whence import settings
from whence.pipeline import finetune
from whence.platform.database import Database, open_database
from whence.platform.events import events_of
from whence.platform.files import PAIRS, Upload, inspect_uploads, keep
from whence.platform.jobs import cancel_job, create_job, folder_of, place_of, resume_job, run_of
from whence.platform.keys import default_team
from whence.platform.recipes import recipe_of
from whence.platform.tables import Event, Job
from whence.store.objects import Objects
from whence.training.recipe import Recipe
from whence.training.run import Run

pytestmark = pytest.mark.process

CONFIG = {
    "n_epochs": 80,
    "batch_size": 4,
    "learning_rate": 1e-2,
    "n_checkpoints": 6,
    "lora_config": {"r": 2, "alpha": 4, "dropout": 0.1},
}
STEPS, SAVED = 240, 40
"""Of three batches an epoch; every 40th is saved to resume from."""


@dataclass(frozen=True)
class Place:
    """A service's database and objects, and the folder that they lie in."""

    database: Database
    objects: Objects
    folder: Path

    def submit(self, pairs: Path, model: str = "tiny", **config: Any) -> str:
        upload = Upload(pairs, pairs.name)
        (seen,) = inspect_uploads([upload], PAIRS)
        with self.database.session() as session:
            team = default_team(session)
            file = keep(session, self.objects, team, upload, PAIRS, seen)
            wanted = {"training_files": [file.id], "model": model, **CONFIG, **config}
            return create_job(session, team, model, wanted, {}, None).id

    def job(self, job_id: str) -> Job:
        with self.database.session() as session:
            return session.get_one(Job, job_id)

    def place(self, job_id: str) -> int | None:
        with self.database.session() as session:
            return place_of(session, session.get_one(Job, job_id))

    def events(self, job_id: str) -> list[Event]:
        with self.database.session() as session:
            return events_of(session, job_id)

    def step(self, job_id: str) -> int:
        """The last step of fine-tuning that was told."""
        return max((event.step or 0 for event in self.events(job_id) if event.phase == "fine-tuning"), default=-1)

    @contextmanager
    def worker(self) -> Iterator[psutil.Process]:
        """A worker that runs while the block does, with one thread in each of its processes."""
        with (self.folder / "worker.log").open("ab") as log:
            words = [sys.executable, "-m", "whence.worker.worker"]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            process = subprocess.Popen(words, stdin=subprocess.PIPE, stderr=log, env=environment)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()
            process.wait()
            assert process.stdin
            process.stdin.close()


def until(true: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stage_of(worker: psutil.Process) -> psutil.Process:
    (child,) = worker.children()
    return child


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A sound base model, and one whose weights were cut off on their way."""
    folder = tmp_path_factory.mktemp("bases")
    sound, damaged = save_tiny(folder / "tiny"), save_tiny(folder / "damaged", tiny_llama())
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    return {"tiny": sound, "damaged": damaged}


@pytest.fixture
def place(
    request: pytest.FixtureRequest, bases: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """A service on a database of the kind that the test asks for."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'whence.db'}"
        if request.param == "postgresql":
            url = stack.enter_context(new_postgres(request.getfixturevalue("postgres_url")))
        monkeypatch.setenv("WHENCE_HOME", str(tmp_path))
        monkeypatch.setenv("WHENCE_BASE_MODELS", ":".join(map(str, bases.values())))
        monkeypatch.setenv("WHENCE_DATABASE_URL", url)
        database = open_database(url)
        yield Place(database, Objects.at(settings.objects_url()), tmp_path)
        database.close()


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "colours.jsonl")


@pytest.fixture
def undisturbed(bases: dict[str, Path], pairs: Path, tmp_path: Path) -> Run:
    """The run that the library makes of the same pairs, in one thread as the worker's processes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run = finetune([pairs], str(bases["tiny"]), tmp_path / "undisturbed", Recipe(**recipe_of(CONFIG)))
    torch.set_num_threads(threads)
    return run


def messages(events: list[Event], *phases: str) -> list[str]:
    return [event.message for event in events if event.phase in phases]


def warnings(events: list[Event]) -> list[str]:
    return [event.message for event in events if event.level != "info"]


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_job_whose_processes_are_killed_ends_as_if_nothing_had_happened(place: Place, pairs: Path, undisturbed: Run):
    job_id = place.submit(pairs)
    with place.worker() as worker:
        until(lambda: place.step(job_id) > SAVED)
        stage_of(worker).kill()
        until(lambda: warnings(place.events(job_id)))
        until(lambda: place.step(job_id) > 3 * SAVED)
        child = stage_of(worker)
        worker.kill()
        child.wait(5)
        assert place.job(job_id).status == "running"
    with place.worker():
        until(lambda: place.job(job_id).evaluation)
    job, events = place.job(job_id), place.events(job_id)
    assert (job.status, job.phase, job.progress, job.error_analysis) == ("completed", None, 1.0, None)
    left = files_of(Run.open(run_of(job_id)))
    assert {name: left[name] for name in left if not name.startswith("index/")} == files_of(undisturbed)
    assert warnings(events) == [
        "The process was ended by signal 9; this machine may have run out of memory. "
        "The job resumes from its last checkpoint."
    ]
    assert messages(events, "queued", "train", "index", "completed") == [
        "The job was accepted: 12 pairs.",
        "Fine-tuning starts.",
        warnings(events)[0],
        "Building the index starts.",
        "The model is ready, and its pairs can be traced.",
    ]
    assert messages(events, "fine-tuning")[-1] == f"Fine-tuning: {STEPS} of {STEPS} steps"
    begins = [event.step for event in events if event.phase == "fine-tuning" and event.loss is None]
    assert begins[0] == 0
    assert all(step and step % SAVED == 0 for step in begins[1:])  # it went on from where it had been saved
    assert len(begins) == 3
    assert not (folder_of(job_id) / "data").exists()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_job_is_parked_goes_on_and_is_cancelled_while_the_next_one_waits(place: Place, pairs: Path):
    job_id, next_id = place.submit(pairs), place.submit(pairs)
    assert [place.place(one) for one in (job_id, next_id)] == [1, 2]
    with place.worker() as worker:
        until(lambda: place.step(job_id) > SAVED)
        assert [place.place(one) for one in (job_id, next_id)] == [None, 1]
        child = stage_of(worker)
        worker.terminate()
        assert worker.wait(5) == 0
        child.wait(1)
    assert place.job(job_id).status == "running"
    before = place.events(job_id)
    assert warnings(before) == []
    with place.worker() as worker:
        until(lambda: len(place.events(job_id)) > len(before) + 3)
        child = stage_of(worker)
        with place.database.session() as session:
            cancel_job(session, default_team(session), job_id)
        child.wait(2)
        until(lambda: place.job(next_id).status == "running")
        assert place.place(next_id) is None
    after = place.events(job_id)[len(before) :]
    assert messages(after, "train") == []
    assert next(event.step for event in after if event.phase == "fine-tuning") in range(SAVED, STEPS, SAVED)
    assert warnings(after) == ["The job was cancelled."]
    assert place.job(job_id).status == "cancelled"
    assert not run_of(job_id).exists()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_cancelled_job_is_resumed_as_if_nothing_had_happened(place: Place, pairs: Path, undisturbed: Run):
    job_id = place.submit(pairs)
    with place.worker() as worker:
        until(lambda: place.step(job_id) > SAVED)
        child = stage_of(worker)
        for order in (cancel_job, resume_job):  # at once: its process is still at work
            with place.database.session() as session:
                order(session, default_team(session), job_id)
        child.wait(5)
        until(lambda: place.job(job_id).evaluation)
    job, events = place.job(job_id), place.events(job_id)
    assert (job.status, job.cancel_requested, job.error_analysis) == ("completed", False, None)
    left = files_of(Run.open(run_of(job_id)))
    assert {name: left[name] for name in left if not name.startswith("index/")} == files_of(undisturbed)
    begins = [event.step for event in events if event.phase == "fine-tuning" and event.loss is None]
    assert begins[0] == 0
    assert begins[1] in range(SAVED, STEPS, SAVED)
    told = messages(events, "queued", "train", "cancelled", "resumed", "index", "completed")
    assert told[1:5] == [
        "Fine-tuning starts.",
        "The job was cancelled.",
        "The job was resumed from its last checkpoint.",
        "Fine-tuning starts.",
    ]
    assert len(told) == 7


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_job_that_cannot_be_done_says_what_to_do(place: Place, pairs: Path):
    long = pairs.with_name("long.jsonl")
    long.write_text(pairs.read_text() + json.dumps({"question": "Q?", "answer": "word " * 200}) + "\n")
    too_long, damaged = place.submit(long), place.submit(pairs, model="damaged")
    with place.worker():
        until(lambda: place.job(damaged).status == "failed")
    why = place.job(too_long).error_analysis
    assert why
    assert "long.jsonl:13" in why
    assert "max_length" in why
    why = place.job(damaged).error_analysis
    assert why
    assert "must be whole *.safetensors files" in why
    assert "Copy or download them again" in why
