"""Processes killed, a full disk, a lost database: what was accepted ends as if nothing had happened.

pytest -m faults --repetitions 10
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.acceptance.journey import ENGINE, SERVER, STAGE, WORKER, Left, Traveller, members
from tests.acceptance.service import Running, start, stop
from tests.postgres import postgres

pytestmark = [pytest.mark.faults, pytest.mark.process]
EPOCHS = 40
AWAY = 10.0
"""Seconds for which the database is gone."""
DISK = 96
"""Megabytes of the small disk."""


@pytest.fixture(scope="module")
def base(tiny_base: Path) -> dict[str, str]:
    return {"WHENCE_BASE_MODELS": str(tiny_base)}


@pytest.fixture(scope="module")
def killed(base: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The service in which processes are killed."""
    home = tmp_path_factory.mktemp("faults")
    with serving(home, base) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(killed: Running, twelve: Path) -> Left:
    """What the same way leaves when nothing happens."""
    left = Traveller(killed).whole_way(twelve, EPOCHS)
    assert "adapter/adapter_model.safetensors" in left.files
    assert left.attribution["lift"]["tokens"] > 0
    return left


@contextmanager
def serving(home: Path, environment: dict[str, str]) -> Iterator[Running]:
    running = start(home, environment, home.parent / f"{home.name}.log")
    try:
        yield running
    finally:
        stop(running)


def kill_later(running: Running, module: str, seconds: float) -> threading.Thread:
    """Kill the process that runs a module after so many seconds, as soon as there is one; none is no fault."""

    def work() -> None:
        time.sleep(seconds)
        deadline = time.monotonic() + 5
        while not (found := members(running, module)) and time.monotonic() < deadline:
            time.sleep(0.01)
        for process in found:
            try:
                process.kill()
                print(f"killed {module} after {seconds:.2f} s")
            except psutil.NoSuchProcess:
                continue

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_what_was_accepted_ends_as_if_nothing_was_killed(
    killed: Running, undisturbed: Left, twelve: Path, repetitions: int
) -> None:
    for seed in range(repetitions):
        moment, traveller = random.Random(seed), Traveller(killed)
        file_id = traveller.upload(twelve)
        killers = [kill_later(killed, m, moment.uniform(0, undisturbed.seconds)) for m in (WORKER, STAGE, SERVER)]
        job_id = traveller.submit(file_id, EPOCHS)
        traveller.wait(job_id)
        killers += [kill_later(killed, m, moment.uniform(0, 2)) for m in (ENGINE, SERVER)]
        same_as(undisturbed, traveller.left(job_id))
        for killer in killers:
            killer.join()
        same_as(undisturbed, traveller.left(job_id))
        once_and_whole(traveller, job_id)
    traveller = Traveller(killed)
    listed = [job["id"] for job in traveller.ask("GET", "/v1/flow/fine-tunes")["data"]]
    assert len(listed) == len(set(listed)) == 1 + repetitions
    assert not list((killed.home / "jobs").rglob("*.part"))


def same_as(undisturbed: Left, left: Left) -> None:
    assert left.files == undisturbed.files
    assert left.attribution == undisturbed.attribution


def once_and_whole(traveller: Traveller, job_id: str) -> None:
    """The job was accepted once, begun once and completed once, and its data were removed."""
    phases = [event["message"] for event in traveller.events(job_id)]
    for sentence in ("The job was accepted: 12 pairs.", "The model is ready, and its pairs can be traced."):
        assert phases.count(sentence) == 1, phases
    assert traveller.job(job_id)["status"] == "completed"
    left_over = {path.name for path in (traveller.running.home / "jobs" / job_id).iterdir()}
    assert left_over >= {"run"}
    assert "data" not in left_over


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    if os.system(f"mount -t tmpfs -o size={DISK}m tmpfs {folder} 2>/dev/null"):
        pytest.skip("a small disk cannot be mounted here: that takes the rights of an administrator")
    try:
        yield folder
    finally:
        os.system(f"umount -l {folder}")


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


@pytest.mark.parametrize("with_database", [False, True])
def test_a_job_waits_for_room_on_a_full_disk_and_goes_on(
    with_database: bool, undisturbed: Left, base: dict[str, str], twelve: Path, tmp_path: Path, repetitions: int
) -> None:
    """Also where the database lies on that disk, and cannot be written to either."""
    elsewhere = {} if with_database else {"WHENCE_DATABASE_URL": f"sqlite:///{tmp_path / 'whence.db'}"}
    with small_disk(tmp_path / "disk") as home, serving(home / "home", {**base, **elsewhere}) as running:
        traveller = Traveller(running)
        file_id = traveller.upload(twelve)
        for seed in range(repetitions):
            job_id = begun(traveller, file_id, moment_of(seed, undisturbed))
            fill(home / "filler")
            if with_database:
                time.sleep(AWAY)
            else:
                traveller.wait(job_id, lambda job: job["status"] == "completed" or full(traveller, job["id"]))
            (home / "filler").unlink()
            traveller.wait(job_id)
            same_as(undisturbed, traveller.left(job_id))
            once_and_whole(traveller, job_id)
            assert with_database or seed or full(traveller, job_id)


def moment_of(seed: int, undisturbed: Left) -> float:
    """Seconds after which something happens: at once the first time, then at random moments of the way."""
    return random.Random(seed).uniform(0, undisturbed.seconds / 2) if seed else 0.0


def begun(traveller: Traveller, file_id: str, seconds: float) -> str:
    """A job that has been in training for so many seconds, or is further."""
    job_id = traveller.submit(file_id, EPOCHS)
    traveller.wait(job_id, lambda job: job["status"] == "running")
    time.sleep(seconds)
    print(f"{traveller.job(job_id)['phase']}, {seconds:.2f} s after the start")
    return job_id


def full(traveller: Traveller, job_id: str) -> bool:
    return any("The disk is full" in event["message"] for event in traveller.events(job_id))


def test_a_job_outlives_its_database_and_requests_are_told_to_come_back(
    undisturbed: Left, base: dict[str, str], twelve: Path, tmp_path: Path, repetitions: int
) -> None:
    with postgres() as server, serving(tmp_path / "home", {**base, "WHENCE_DATABASE_URL": server.get_uri()}) as running:
        traveller = Traveller(running)
        file_id = traveller.upload(twelve)
        for seed in range(repetitions):
            job_id = begun(traveller, file_id, moment_of(seed, undisturbed))
            server.stop()
            gone = time.monotonic()
            while time.monotonic() < gone + AWAY:
                told_to_come_back(running)
                time.sleep(0.5)
            server.start()
            traveller.wait(job_id)
            same_as(undisturbed, traveller.left(job_id))
            once_and_whole(traveller, job_id)


def told_to_come_back(running: Running) -> None:
    headers = {"Authorization": running.key}
    for path in ("/v1/flow/files", "/v1/flow/explain/models/x/influential-finetuning-data?question=Who", "/readyz"):
        response = httpx.get(running.url + path, headers=headers, timeout=30)
        assert response.status_code == 503, response.text
        assert int(response.headers["Retry-After"]) >= 1
        assert response.json()["message"]
    assert httpx.get(f"{running.url}/healthz", timeout=5).status_code == 200
