"""What becomes of a job when the process of a stage speaks, dies, is cancelled or finds no room.

The processes are real, the programs in them are a few lines each: what the real ones do is in test_worker.py.
"""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.platform.conftest import Submit
from whence import child_process
from whence.platform.database import Database
from whence.platform.events import events_of
from whence.platform.jobs import cancel_job, folder_of, resume_job
from whence.platform.tables import Event, Job
from whence.store.objects import Objects
from whence.worker import stages
from whence.worker.stages import carry_out, forget_data

pytestmark = pytest.mark.process

HEAD = """
import json, os, signal, sys, time
from pathlib import Path
order = json.loads(sys.stdin.readline())
folder = Path(order["run"]).parent
folder.mkdir(parents=True, exist_ok=True)
(folder / f"{order['stage']}.json").write_text(json.dumps(order))
counter = folder / f"{order['stage']}.starts"
start = int(counter.read_text()) + 1 if counter.exists() else 1
counter.write_text(str(start))

def say(**said):
    print(json.dumps(said), flush=True)

def progress(step, done, total, left=None, **detail):
    say(progress={"step": step, "done": done, "total": total, "unit": "steps", "detail": detail, "left": left})
"""

Run = Callable[..., str]


@pytest.fixture(autouse=True)
def base(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base model in name: nothing here loads it."""
    monkeypatch.setenv("WHENCE_BASE_MODELS", str(home / "tiny"))


@pytest.fixture
def run(database: Database, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Carries out a stage of a job whose process runs a program."""
    spawn = child_process.spawn
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(child_process, "spawn", lambda _, **rest: spawn("program", **rest))

    def with_program(job: Job, program: str, stage: str = "train") -> str:
        (tmp_path / "program.py").write_text(HEAD + program)
        try:
            return carry_out(database, objects, job.id, stage)
        finally:
            stages.release(job.id)

    return with_program


def job_of(database: Database, job: Job) -> Job:
    with database.session() as session:
        return session.get_one(Job, job.id)


def events(database: Database, job: Job) -> list[Event]:
    with database.session() as session:
        return events_of(session, job.id)[1:]  # the first says that the job was accepted


def starts(job: Job, stage: str = "train") -> int:
    return int((folder_of(job.id) / f"{stage}.starts").read_text())


def test_a_stage_is_told_what_to_do_and_its_progress_is_written_down(database: Database, submit: Submit, run: Run):
    job = submit(n_epochs=3, lora_config={"r": 2, "alpha": 4, "dropout": 0.0})
    program = """
    progress("fine-tuning", 0, 4)
    progress("fine-tuning", 2, 4, left=7.0, loss=1.5, epoch=1.5)
    progress("fine-tuning", 4, 4, left=0.0, loss=float("nan"), epoch=3.0)
    say(facts={})
    """
    assert run(job, "if True:" + program) == "done"
    order = json.loads((folder_of(job.id) / "train.json").read_text())
    assert order["recipe"] == {"epochs": 3, "rank": 2, "alpha": 4, "dropout": 0.0}
    assert [Path(path).read_text().count("What is") for path in order["data"]] == [1]
    begun, *told = events(database, job)
    assert begun.message == "Fine-tuning starts."
    assert [(e.phase, e.step, e.total_steps, e.loss, e.epoch, e.seconds_left) for e in told] == [
        ("fine-tuning", 0, 4, None, None, None),
        ("fine-tuning", 2, 4, 1.5, 1.5, 7.0),
        ("fine-tuning", 4, 4, None, 3.0, 0.0),
    ]
    found = job_of(database, job)
    assert (found.status, found.phase, found.progress, found.seconds_left) == ("running", "train", 1.0, 0.0)
    assert found.started_at


def test_progress_that_nobody_could_read_is_left_out(database: Database, submit: Submit, run: Run):
    job = submit()
    run(job, 'for i in range(1001): progress("fine-tuning", i, 1000, loss=1.0, epoch=i / 500)\nsay(facts={})')
    told = [event.step for event in events(database, job)[1:]]
    assert told[0] == 0
    assert told[-1] == 1000
    assert 500 in told  # the end of an epoch
    assert len(told) < 10


def test_a_process_that_dies_is_started_again(database: Database, submit: Submit, run: Run):
    job = submit()
    program = """
    progress("fine-tuning", start, 3)
    if start < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    say(facts={})
    """
    assert run(job, "if True:" + program) == "done"
    warnings = [event.message for event in events(database, job) if event.level == "warning"]
    assert warnings == 2 * [
        "The process was ended by signal 9; this machine may have run out of memory. "
        "The job resumes from its last checkpoint."
    ]
    assert [event.message for event in events(database, job)].count("Fine-tuning starts.") == 1
    assert job_of(database, job).status == "running"


def test_a_process_that_dies_without_getting_any_further_fails_its_job(database: Database, submit: Submit, run: Run):
    job = submit()
    assert run(job, 'progress("fine-tuning", 1, 3)\nsys.exit(7)') == "failed"
    assert starts(job) == 1 + stages.DEATHS
    found = job_of(database, job)
    assert (found.status, found.seconds_left) == ("failed", None)
    assert found.error_analysis == "The process ended with exit code 7 without any message."
    assert found.completed_at
    assert events(database, job)[-1].level == "error"


def test_deaths_are_forgiven_as_long_as_it_gets_further(database: Database, submit: Submit, run: Run):
    job = submit()
    assert run(job, 'progress("fine-tuning", start, 9)\nsay(facts={}) if start == 9 else sys.exit(1)') == "done"
    assert starts(job) == 9 > stages.DEATHS


@pytest.mark.parametrize("kind", ["user", "fault"])
def test_a_process_that_says_why_it_cannot_go_on_fails_its_job(database: Database, submit: Submit, run: Run, kind: str):
    job = submit()
    assert run(job, f'say(failure="Line 3 is too long. Shorten it.", kind="{kind}")\nsys.exit(1)') == "failed"
    assert starts(job) == 1
    assert job_of(database, job).error_analysis == "Line 3 is too long. Shorten it."


def test_a_full_disk_is_waited_for(database: Database, submit: Submit, run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stages, "DISK_PAUSE", 0.01)
    job = submit()
    program = 'say(facts={}) if start == 6 else (say(failure="The disk is full.", kind="disk"), sys.exit(1))'
    assert run(job, program) == "done"
    assert [e.message for e in events(database, job) if e.phase == "disk"] == 5 * ["The disk is full."]


def test_a_disk_that_stays_full_fails_the_job(
    database: Database, submit: Submit, run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stages, "DISK_PATIENCE", -1.0)
    monkeypatch.setattr(stages, "DISK_PAUSE", 0.01)
    job = submit()
    assert run(job, 'say(failure="The disk is full.", kind="disk")') == "failed"
    assert job_of(database, job).error_analysis == "The disk is full."


def test_a_cancelled_job_ends_its_process_within_two_seconds(database: Database, submit: Submit, run: Run, team: int):
    job = submit()
    ended: list[tuple[str, float]] = []
    program = 'counter.with_suffix(".pid").write_text(str(os.getpid()))\ntime.sleep(60)'
    thread = threading.Thread(target=lambda: ended.append((run(job, program), time.monotonic())))
    thread.start()
    process = psutil.Process(int(wait_for(folder_of(job.id) / "train.pid")))
    with database.session() as session:
        cancel_job(session, team, job.id)
    cancelled = time.monotonic()
    thread.join(10)
    ((outcome, moment),) = ended
    assert outcome == "cancelled"
    assert moment - cancelled < 2
    assert not process.is_running()
    assert job_of(database, job).status == "cancelled"
    assert [event.phase for event in events(database, job)] == ["train", "cancelled"]


def test_a_job_that_was_cancelled_before_is_not_begun(database: Database, submit: Submit, run: Run, team: int):
    job = submit()
    with database.session() as session:
        cancel_job(session, team, job.id)
    assert run(job, "say(facts={})") == "cancelled"
    assert not (folder_of(job.id) / "train.starts").exists()
    assert job_of(database, job).phase is None


def test_what_runs_of_a_cancelled_job_ends_although_it_was_resumed(
    database: Database, submit: Submit, run: Run, team: int
):
    job = submit()
    with database.session() as session:
        cancel_job(session, team, job.id)
        resume_job(session, team, job.id)
    assert run(job, "say(facts={})", "index") == "cancelled"
    assert not (folder_of(job.id) / "index.starts").exists()
    assert run(job, "say(facts={})") == "done"
    assert run(job, "say(facts={})", "index") == "done"


def test_a_stage_that_cannot_start_fails_its_job(
    database: Database, objects: Objects, submit: Submit, run: Run, monkeypatch: pytest.MonkeyPatch
):
    gone, lost = submit(), submit()
    (Path(objects.root) / job_files(database, gone)).unlink()
    assert run(gone, "say(facts={})") == "failed"
    assert "FileNotFoundError" in str(job_of(database, gone).error_analysis)
    monkeypatch.setenv("WHENCE_BASE_MODELS", "")
    assert run(lost, "say(facts={})") == "failed"
    assert "The base model must be one of" in str(job_of(database, lost).error_analysis)


def test_a_file_whose_name_is_as_long_as_names_can_be_is_trained_on(submit: Submit, kept: Any, run: Run):
    job = submit(kept("x" * 249 + ".jsonl"))
    assert run(job, "say(facts={})") == "done"


def test_what_the_check_of_an_index_finds_is_kept_and_its_failure_is_not_the_jobs(
    database: Database, submit: Submit, run: Run
):
    job, other = submit(), submit()
    with database.session() as session:
        for one in (job, other):
            session.get_one(Job, one.id).status = "completed"
    assert run(job, 'progress("recall", 1, 2)\nsay(facts={"found": 3, "asked": 4})', "evaluate") == "done"
    assert job_of(database, job).evaluation == {"found": 3, "asked": 4}
    assert events(database, job)[-1].message == "3 of 4 pairs were found by their own answers."
    assert run(other, 'say(failure="No.", kind="user")', "evaluate") == "failed"
    assert (job_of(database, other).status, job_of(database, other).error_analysis) == ("completed", None)
    assert [(e.message, e.level) for e in events(database, other)] == [("No.", "error")]


def test_one_process_carries_out_the_stages_of_a_job_until_it_is_released(
    database: Database, objects: Objects, submit: Submit, tmp_path: Path, run: Run
):
    job = submit()
    program = """
    while True:
        with open(folder / "pids", "a") as pids:
            print(order["stage"], os.getpid(), file=pids)
        if order["stage"] == "evaluate":
            say(failure="No.", kind="user")
        say(facts={"suspects": 0, "pairs": 9, "contradictions": 0})
        order = json.loads(sys.stdin.readline())
    """
    (tmp_path / "program.py").write_text(HEAD + "if True:" + program)
    outcomes = [carry_out(database, objects, job.id, stage) for stage in ("train", "index", "evaluate", "insights")]
    stages.release(job.id)
    assert outcomes == ["done", "done", "failed", "done"]
    pids = [line.split() for line in (folder_of(job.id) / "pids").read_text().splitlines()]
    assert [stage for stage, _ in pids] == ["train", "index", "evaluate", "insights"]
    first, second = pids[0][1], pids[3][1]
    assert [pid for _, pid in pids] == [first, first, first, second]  # a failed stage's process is not used again
    assert first != second
    assert not any(psutil.pid_exists(int(pid)) for pid in (first, second))


def test_words_on_standard_error_do_no_harm(submit: Submit, run: Run):
    assert run(submit(), 'sys.stderr.write("x" * 200_000)\nsay(facts={})') == "done"


def test_the_copy_of_the_data_is_forgotten(submit: Submit, run: Run):
    job = submit()
    run(job, "say(facts={})")
    assert (folder_of(job.id) / "data").is_dir()
    forget_data(job.id)
    forget_data(job.id)
    assert not (folder_of(job.id) / "data").exists()


def job_files(database: Database, job: Job) -> str:
    with database.session() as session:
        return stages.files_of(session, job.id)[0].object


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 30
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return path.read_text()


def test_what_was_found_in_the_data_is_an_event_and_its_failure_is_not_the_jobs(
    database: Database, submit: Submit, run: Run
):
    job, other = submit(), submit()
    with database.session() as session:
        for one in (job, other):
            session.get_one(Job, one.id).status = "completed"
    assert run(job, 'say(facts={"suspects": 2, "pairs": 9, "contradictions": 1})', "insights") == "done"
    assert events(database, job)[-1].message == "2 of 9 pairs look suspicious; 1 contradict another one."
    assert run(other, 'say(failure="No.", kind="user")', "insights") == "failed"
    assert (job_of(database, other).status, job_of(database, other).error_analysis) == ("completed", None)
    assert [(e.message, e.level, e.phase) for e in events(database, other)] == [("No.", "error", "insights")]
