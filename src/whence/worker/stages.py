"""One stage of a job: begun, followed, cancelled, and repeated when its process dies."""

import logging
import shutil
import time
from math import inf
from threading import Event
from typing import Any, cast

from whence.data.sample import demo_run
from whence.platform.database import Database
from whence.platform.demo import is_demo
from whence.platform.events import add_event
from whence.platform.jobs import OPEN, data_of, files_of, folder_of, move, run_of
from whence.platform.models import base_model
from whence.platform.recipes import recipe_of
from whence.platform.retry import retry_while_unavailable
from whence.platform.tables import Job, now
from whence.store.objects import Objects
from whence.worker.failures import failure_event
from whence.worker.job_process import JobProcess
from whence.worker.messages import Stage, StageEvent, StageRequest
from whence.worker.progress import StageProgress

DEATHS = 3
"""How often in a row a process may die without having got any further."""
DISK_PAUSE, DISK_PATIENCE = 15.0, 3600.0
STARTS = {
    "train": "Fine-tuning starts.",
    "index": "Building the index starts.",
    "evaluate": "The check of the index starts.",
    "insights": "The search for suspicious pairs starts.",
}
RESULTS = {
    "evaluate": "{found} of {asked} pairs were found by their own answers.",
    "insights": "{suspects} of {pairs} pairs look suspicious; {contradictions} contradict another one.",
}
FIRST = "train"
AFTER = ("evaluate", "insights")
"""Stages of a completed job: it stays completed if one of them fails."""
log = logging.getLogger("whence.worker")
_processes: dict[str, JobProcess] = {}
_stopping = Event()


def stop_all() -> None:
    """End all processes and start no more: the next worker resumes their stages."""
    _stopping.set()
    for job_id in list(_processes):
        release(job_id)


def release(job_id: str) -> None:
    """End the process of a job, if it has one."""
    process = _processes.pop(job_id, None)
    if process is not None:
        process.end()


def forget_data(job_id: str) -> None:
    """Remove a job's copy of its files: the run holds all of their pairs."""
    shutil.rmtree(folder_of(job_id) / "data", ignore_errors=True)


def carry_out(database: Database, objects: Objects, job_id: str, stage: str) -> str:
    """Carry out a stage; return how it ended: done, cancelled or failed.

    The process of the job is kept for the next stage. If it dies or finds the disk full, another resumes the stage.
    """
    if stage not in AFTER and not _begin(database, job_id, stage):
        release(job_id)
        return "cancelled"
    deaths, reached, deadline = 0, -1.0, inf
    while True:
        last, got = _attempt(database, objects, job_id, stage)
        if _stopping.is_set():
            Event().wait()  # until this process ends: any return value would count as the end of the stage
        if last is not None and last.facts is not None:
            _record_result(database, job_id, stage, last.facts)
            return "done"
        release(job_id)
        if last is None:
            return "cancelled"
        deaths = 1 if got > reached else deaths + 1
        reached = max(got, reached)
        if last.kind == "disk" and time.monotonic() < deadline:
            deadline = min(deadline, time.monotonic() + DISK_PATIENCE)
            if not _wait_for_room(database, job_id, last.failure or ""):
                return "cancelled"
        elif last.kind is not None or deaths > DEATHS:
            return _fail(database, job_id, stage, last.failure or "")
        else:
            _note(database, job_id, stage, f"{last.failure} The job resumes from its last checkpoint.", "warning")


def _attempt(database: Database, objects: Objects, job_id: str, stage: str) -> tuple[StageEvent | None, float]:
    """Return the last event of a stage (None: it was cancelled), and how far it got."""
    try:
        return _follow(
            database, job_id, stage, retry_while_unavailable(lambda: _request(database, objects, job_id, stage))
        )
    except Exception as error:  # of any kind: the job's owner must see it
        log.exception("stage %s of %s ended in an error of its worker", stage, job_id)
        return failure_event(error), -1.0


def _begin(database: Database, job_id: str, stage: str) -> bool:
    def work() -> bool:
        with database.session() as session:
            job = session.get_one(Job, job_id)
            fresh = job.phase != stage
            values: dict[str, Any] = {"status": "running", "phase": stage, "started_at": job.started_at or now()}
            if stage == FIRST:
                values["cancel_requested"] = False  # it was resumed, and its earlier process has ended
            elif job.cancel_requested:
                return False
            if not move(session, job_id, OPEN, **values):
                return False
            if fresh:
                add_event(session, job_id, stage, STARTS[stage])
            return True

    return retry_while_unavailable(work)


def _request(database: Database, objects: Objects, job_id: str, stage: str) -> StageRequest:
    with database.session() as session:
        job = session.get_one(Job, job_id)
        files = files_of(session, job_id)
    if stage != FIRST:
        return StageRequest(cast(Stage, stage), str(run_of(job_id)))
    paths: list[str] = []
    for file in files:
        path = data_of(job_id, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            objects.fetch(file.object, path)
        paths.append(str(path))
    model = base_model(job.model)
    earlier = str(demo_run()) if is_demo(job) else None
    recipe = recipe_of(job.training_config)
    return StageRequest("train", str(run_of(job_id)), tuple(paths), model, recipe, earlier=earlier)


def _follow(database: Database, job_id: str, stage: str, request: StageRequest) -> tuple[StageEvent | None, float]:
    progress = StageProgress(database, job_id, foreground=stage not in AFTER)
    process = _process_of(job_id)
    process.send(request)
    last: StageEvent | None = None
    for event in process.events():
        if event is None:
            if stage not in AFTER and _cancelled(database, job_id):
                return None, progress.reached
        elif event.progress is not None:
            progress.record(event.progress)
        else:
            last = event
    return last, progress.reached


def _process_of(job_id: str) -> JobProcess:
    process = _processes.get(job_id)
    if process is None or not process.alive:
        release(job_id)
        process = _processes[job_id] = JobProcess()
    return process


def _cancelled(database: Database, job_id: str) -> bool:
    def work() -> bool:
        with database.session() as session:
            return session.get_one(Job, job_id).cancel_requested

    return retry_while_unavailable(work)


def _note(database: Database, job_id: str, phase: str, message: str, level: str = "info") -> None:
    def work() -> None:
        with database.session() as session:
            add_event(session, job_id, phase, message, level=level)

    retry_while_unavailable(work)


def _record_result(database: Database, job_id: str, stage: str, facts: dict[str, Any]) -> None:
    if stage not in AFTER:
        return

    def work() -> None:
        with database.session() as session:
            if stage == "evaluate":
                session.get_one(Job, job_id).evaluation = facts
            add_event(session, job_id, stage, RESULTS[stage].format(**facts))

    retry_while_unavailable(work)


def _fail(database: Database, job_id: str, stage: str, why: str) -> str:
    def work() -> str:
        with database.session() as session:
            values = {"status": "failed", "error_analysis": why, "seconds_left": None, "completed_at": now()}
            if stage in AFTER or move(session, job_id, OPEN, **values):
                add_event(session, job_id, stage, why, level="error")
        return "failed"

    return retry_while_unavailable(work)


def _wait_for_room(database: Database, job_id: str, why: str) -> bool:
    """Return True if the job goes on after a pause; False if it was cancelled meanwhile."""
    try:
        _note(database, job_id, "disk", why, "warning")
    except Exception:
        log.warning("the disk is full: the event could not be written either")  # the database may lie on it
    time.sleep(DISK_PAUSE)
    return not _cancelled(database, job_id)
