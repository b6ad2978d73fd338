"""One stage of a job: its process started, listened to, cancelled, and started again when it dies."""

import json
import logging
import shutil
import subprocess
import time
from collections.abc import Iterator
from math import inf
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, cast

from whence import lifeline
from whence.platform.database import Database
from whence.platform.events import add_event, words_of
from whence.platform.jobs import OPEN, data_of, files_of, folder_of, move, run_of
from whence.platform.models import base_model
from whence.platform.recipes import recipe_of
from whence.platform.retry import retry_while_unavailable
from whence.platform.tables import Job, now
from whence.store.artifact import write_json
from whence.store.objects import Objects
from whence.worker.failures import failure_event
from whence.worker.messages import Stage, StageEvent, StageRequest

LOOK = 0.5
"""Seconds between two looks at whether a job was cancelled, and the least between two events of a phase."""
DEATHS = 3
"""How often in a row a process may die without having got any further."""
DISK_PAUSE, DISK_PATIENCE = 15.0, 3600.0
STARTS = {
    "train": "Fine-tuning starts.",
    "index": "The index is being built.",
    "evaluate": "The index is being checked.",
    "insights": "The data are being looked through.",
}
TOLD = {
    "evaluate": "{found} of {asked} pairs were found by their own answers.",
    "insights": "{suspects} of {pairs} pairs look suspicious, {contradictions} contradict another one.",
}
FIRST = "train"
AFTER = ("evaluate", "insights")
"""Stages of a job that is completed: the job is, whatever becomes of them."""
log = logging.getLogger("whence.worker")
_running: set[subprocess.Popen[bytes]] = set()
_stopping = Event()


def stop_all() -> None:
    """End the processes of all stages, and start none any more: the next worker goes on with them."""
    _stopping.set()
    for process in list(_running):
        lifeline.end(process, 2.0)


def forget_data(job_id: str) -> None:
    """Remove a job's copy of its files: the run has all of their pairs."""
    shutil.rmtree(folder_of(job_id) / "data", ignore_errors=True)


def carry_out(database: Database, objects: Objects, job_id: str, stage: str) -> str:
    """How a stage ended: done, cancelled or failed. A process that dies or finds the disk full is started again."""
    if stage not in AFTER and not _begin(database, job_id, stage):
        return "cancelled"
    deaths, reached, deadline = 0, -1.0, inf
    while True:
        last, got = _attempt(database, objects, job_id, stage)
        if _stopping.is_set():
            Event().wait()  # until this process is gone: whatever was returned would count as the end of the stage
        if last is None:
            return "cancelled"
        if last.facts is not None:
            _note_facts(database, job_id, stage, last.facts)
            return "done"
        deaths = 1 if got > reached else deaths + 1
        reached = max(got, reached)
        if last.kind == "disk" and time.monotonic() < deadline:
            deadline = min(deadline, time.monotonic() + DISK_PATIENCE)
            if not _wait_for_room(database, job_id, last.failure or ""):
                return "cancelled"
        elif last.kind is not None or deaths > DEATHS:
            return _fail(database, job_id, stage, last.failure or "")
        else:
            _note(database, job_id, stage, f"{last.failure} It is started again from its last checkpoint.", "warning")


def _attempt(database: Database, objects: Objects, job_id: str, stage: str) -> tuple[StageEvent | None, float]:
    try:
        return _run(database, job_id, stage, retry_while_unavailable(lambda: _order(database, objects, job_id, stage)))
    except Exception as error:  # whatever it is, the job's owner must learn of it
        log.exception("stage %s of %s ended in an error of its worker", stage, job_id)
        return failure_event(error), -1.0


def _begin(database: Database, job_id: str, stage: str) -> bool:
    def work() -> bool:
        with database.session() as session:
            job = session.get_one(Job, job_id)
            fresh = job.phase != stage
            values: dict[str, Any] = {"status": "running", "phase": stage, "started_at": job.started_at or now()}
            if stage == FIRST:
                values["cancel_requested"] = False  # it was resumed, and what ran of it has ended
            elif job.cancel_requested:
                return False
            if not move(session, job_id, OPEN, **values):
                return False
            if fresh:
                add_event(session, job_id, stage, STARTS[stage])
            return True

    return retry_while_unavailable(work)


def _order(database: Database, objects: Objects, job_id: str, stage: str) -> StageRequest:
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
    place = base_model(job.model)
    return StageRequest("train", str(run_of(job_id)), tuple(paths), place, recipe_of(job.training_config))


def _run(database: Database, job_id: str, stage: str, order: StageRequest) -> tuple[StageEvent | None, float]:
    """The last word of a stage's process (None: it was cancelled), and how far it got."""
    spec = folder_of(job_id) / f"{stage}.json"
    spec.parent.mkdir(parents=True, exist_ok=True)
    write_json(spec, order.to_dict())
    process = lifeline.spawn("whence.worker.stage_process", [str(spec)], stdout=subprocess.PIPE)
    _running.add(process)
    progress = _Progress(database, job_id, stage)
    last: StageEvent | None = None
    try:
        for said in _listen(process):
            if said is None:
                if stage not in AFTER and _cancelled(database, job_id):
                    return None, progress.reached
            elif said.progress is not None:
                progress.note(said.progress)
            else:
                last = said
        code = process.wait()
    finally:
        lifeline.end(process, 2.0)
        _running.discard(process)
    return last or StageEvent(failure=_death(code)), progress.reached


def _listen(process: subprocess.Popen[bytes]) -> Iterator[StageEvent | None]:
    """What a process says, and None whenever it was silent or busy for a while."""
    said: Queue[bytes | None] = Queue()

    def read() -> None:
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                said.put(line)
        said.put(None)

    Thread(target=read, daemon=True).start()
    looked = time.monotonic()
    while True:
        try:
            line = said.get(timeout=LOOK)
            if line is None:
                return
            yield StageEvent(**json.loads(line))
        except Empty:
            pass
        if time.monotonic() - looked >= LOOK:
            looked = time.monotonic()
            yield None


def _death(code: int) -> str:
    if code < 0:
        return f"The process was ended by signal {-code}, perhaps for want of memory."
    return f"The process ended with exit code {code} without a word."


def _cancelled(database: Database, job_id: str) -> bool:
    def work() -> bool:
        with database.session() as session:
            return session.get_one(Job, job_id).cancel_requested

    return retry_while_unavailable(work)


class _Progress:
    """Writes progress to the job's row and its events, not more often than a person can read."""

    def __init__(self, database: Database, job_id: str, stage: str) -> None:
        self.database, self.job_id, self.stage = database, job_id, stage
        self.reached = -1.0
        self.step, self.epoch, self.written = "", 0, 0.0

    def note(self, told: dict[str, Any]) -> None:
        """Write it down, if it begins or ends something, ends an epoch, or the last was a while ago."""
        share = told["done"] / max(told["total"], 1)
        self.reached = max(self.reached, share + _order_of(told["step"]))
        epoch = int(told["detail"].get("epoch", 0))
        moment = time.monotonic()
        if told["step"] == self.step and epoch == self.epoch and share < 1 and moment - self.written < 2 * LOOK:
            return
        self.step, self.epoch, self.written = told["step"], epoch, moment
        retry_while_unavailable(lambda: self._write(told, share))

    def _write(self, told: dict[str, Any], share: float) -> None:
        with self.database.session() as session:
            if self.stage not in AFTER:
                move(session, self.job_id, ("running",), progress=share, seconds_left=told["left"])
            numbers = {"step": told["done"], "total_steps": told["total"], "seconds_left": told["left"]}
            add_event(
                session, self.job_id, told["step"], words_of(told), numbers={**numbers, **_losses(told["detail"])}
            )


def _losses(detail: dict[str, Any]) -> dict[str, float]:
    return {name: float(detail[name]) for name in ("loss", "epoch") if name in detail}


def _order_of(step: str) -> int:
    """Which part of a stage a step is: the later, the further it got."""
    return {"generate": 0, "fine-tuning": 1, "gradients": 1, "null": 2}.get(step, 0)


def _note(database: Database, job_id: str, phase: str, message: str, level: str = "info") -> None:
    def work() -> None:
        with database.session() as session:
            add_event(session, job_id, phase, message, level=level)

    retry_while_unavailable(work)


def _note_facts(database: Database, job_id: str, stage: str, facts: dict[str, Any]) -> None:
    if stage not in AFTER:
        return

    def work() -> None:
        with database.session() as session:
            if stage == "evaluate":
                session.get_one(Job, job_id).evaluation = facts
            add_event(session, job_id, stage, TOLD[stage].format(**facts))

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
    """Whether the job goes on after a pause, rather than being cancelled in it."""
    try:
        _note(database, job_id, "disk", why, "warning")
    except Exception:
        log.warning("the disk is full: the event could not be written either")  # the database may lie on it
    time.sleep(DISK_PAUSE)
    return not _cancelled(database, job_id)
