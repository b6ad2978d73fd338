"""The worker: takes accepted jobs one at a time and carries them out as durable workflows.

    python -m whence.worker.worker

One child process carries out the stages of a job (train, index, evaluate, insights). It ends with the worker; the next
worker repeats the unfinished stage, which resumes from its last checkpoint.
"""

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from dbos import DBOS, DBOSConfig, Queue, SetWorkflowID
from sqlalchemy import select

from whence import child_process, settings
from whence.platform.database import Database, open_database
from whence.platform.events import add_event
from whence.platform.jobs import attempt_of, move
from whence.platform.logs import start_logging
from whence.platform.retry import retry_while_unavailable
from whence.platform.tables import Job, now
from whence.store.objects import Objects
from whence.worker import stages

VERSION = "2"
"""Workflows of another version are not resumed: raise it when their steps change."""
DEVICE = "device"
POLL = 0.5
log = logging.getLogger("whence.worker")


@DBOS.workflow(name="fine-tune")
def fine_tune(job_id: str) -> str:
    """Carry out a job; return how it ended: completed, cancelled or failed."""
    try:
        for stage in ("train", "index"):
            outcome = carry_out(job_id, stage)
            if outcome != "done":
                return outcome
        if not complete(job_id):
            return "cancelled"
        for stage in stages.AFTER:
            carry_out(job_id, stage)
        return "completed"
    finally:
        stages.release(job_id)


@DBOS.step(name="stage")
def carry_out(job_id: str, stage: str) -> str:
    """Carry out a stage; return how it ended: done, cancelled or failed."""
    return stages.carry_out(_open.database, _open.objects, job_id, stage)


@DBOS.step(name="complete")
def complete(job_id: str) -> bool:
    """Mark the job as completed; return False if it was cancelled just before."""

    def work() -> bool:
        with _open.database.session() as session:
            values = {
                "status": "completed",
                "phase": None,
                "progress": 1.0,
                "seconds_left": None,
                "completed_at": now(),
            }
            if not move(session, job_id, ("running",), **values):
                return session.get_one(Job, job_id).status == "completed"  # recorded by an earlier process
            add_event(session, job_id, "completed", "The model is ready, and its pairs can be traced.")
            job = session.get_one(Job, job_id)
            job.inference_available = job.inference_available or bool(job.training_config.get("promote"))
            return True

    ended = retry_while_unavailable(work)
    stages.forget_data(job_id)
    return ended


class _Open:
    """Shared by the workflows; DBOS finds workflows by name, so that they cannot be given it."""

    database: Database
    objects: Objects


_open = _Open()


def main() -> None:
    """Run until stopped; the next worker resumes what was running."""
    child_process.exit_with_parent()
    start_logging("worker")
    _open.database = retry_while_unavailable(lambda: open_database(settings.database_url()))
    _open.objects = Objects.at(settings.objects_url())
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    DBOS(config=configuration())
    DBOS.launch()
    queue = DBOS.register_queue(DEVICE, global_concurrency=1, worker_concurrency=1, polling_interval_sec=POLL)
    log.info("worker ready")
    while not stopping.wait(POLL):
        try:
            take_over(_open.database, queue)
        except Exception:
            log.exception("looking for jobs failed; trying again")
            time.sleep(POLL)
    stages.stop_all()
    log.info("worker stopped; the next start resumes what was running")
    sys.stdout.flush()
    os._exit(0)  # the running workflow must stay unfinished, so that the next worker resumes it


def configuration() -> DBOSConfig:
    """Durable workflows beside our own tables: the same PostgreSQL, or a SQLite file next to ours."""
    url = settings.database_url()
    if url.startswith("sqlite"):
        url = f"sqlite:///{Path(url.removeprefix('sqlite:///')).with_suffix('.workflows.db')}"
    return {
        "name": "whence",
        "system_database_url": url,
        "application_version": VERSION,
        "executor_id": "worker",
        "enable_otlp": False,
        "log_level": "WARNING",
        "console_log_level": "WARNING",
    }


def take_over(database: Database, queue: Queue) -> None:
    """Queue every accepted job under its own id, and a resumed one under a new id; DBOS queues no id twice."""
    with database.session() as session:
        waiting = list(session.scalars(select(Job.id).where(Job.status == "pending").order_by(Job.created_at)))
        attempts = [attempt_of(session, job_id) for job_id in waiting]
    for job_id, attempt in zip(waiting, attempts, strict=True):
        with SetWorkflowID(f"{job_id}:{attempt}" if attempt else job_id):
            queue.enqueue(fine_tune, job_id)
        with database.session() as session:
            move(session, job_id, ("pending",), status="queued")


if __name__ == "__main__":
    main()
