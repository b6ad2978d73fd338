"""Fine-tuning jobs: asked for, queued, running, ended. What runs them is `worker`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from whence import settings
from whence.errors import ConflictError, DataError, MissingError
from whence.platform.events import add_event
from whence.platform.files import PAIRS, get_file
from whence.platform.tables import Event, File, Job, JobFile, now

OPEN = ("pending", "queued", "running")
STOPPED = ("failed", "cancelled")
ENDED = ("completed", *STOPPED)
RESUMED = "resumed"
"""The phase of the event of a job's being resumed."""


def folder_of(job_id: str) -> Path:
    """The folder of a job's data and run."""
    return settings.jobs() / job_id


def run_of(job_id: str) -> Path:
    """The folder of a job's run."""
    return folder_of(job_id) / "run"


def data_of(job_id: str, file: File) -> Path:
    """The path of a job's copy of a file, until its pairs are in the run."""
    return folder_of(job_id) / "data" / file.id / file.filename


def create_job(
    session: Session,
    team: int,
    model: str,
    training_config: dict[str, Any],
    infrastructure: dict[str, Any],
    project_id: int | None,
) -> Job:
    """A new job; the worker takes it as soon as a device is free.

    Raises:
        DataError: a training file is missing, was given twice, or holds no pairs.
    """
    files = _training_files(session, team, training_config["training_files"])
    job = Job(
        team_id=team,
        model=model,
        training_config=training_config,
        infrastructure=infrastructure,
        project_id=project_id,
    )
    session.add(job)
    session.flush()
    session.add_all(JobFile(job_id=job.id, file_id=file.id, place=i) for i, file in enumerate(files))
    add_event(session, job.id, "queued", f"The job was accepted: {sum(f.examples or 0 for f in files)} pairs.")
    return job


def _training_files(session: Session, team: int, ids: Sequence[str]) -> list[File]:
    files: list[File] = []
    for identity in ids:
        try:
            files.append(get_file(session, team, identity))
        except MissingError as error:
            raise DataError(f"{error} Upload the training file first.") from error
        if files[-1].purpose != PAIRS:
            raise DataError(
                f"{identity} has the purpose {files[-1].purpose!r}, not {PAIRS!r}. Upload pairs for training."
            )
    if len({file.sha256 for file in files}) < len(files):
        raise DataError("A training file must not be given twice: two of these have the same bytes. Leave one out.")
    return files


def get_job(session: Session, team: int, identity: str) -> Job:
    """A job of the team.

    Raises:
        MissingError: it has none of that id.
    """
    job = session.get(Job, identity)
    if job is None or job.team_id != team or job.deleted_at is not None:
        raise MissingError(f"No fine-tuning job {identity!r} exists for your user.")
    return job


def list_jobs(session: Session, team: int, project_id: int | None = None) -> list[Job]:
    """The team's jobs, the newest first."""
    wanted = select(Job).where(Job.team_id == team, Job.deleted_at.is_(None))
    if project_id is not None:
        wanted = wanted.where(Job.project_id == project_id)
    return list(session.scalars(wanted.order_by(Job.created_at.desc(), Job.id)))


def files_of(session: Session, job_id: str) -> list[File]:
    """The files a job is trained on, in order, deleted ones among them."""
    wanted = select(File).join(JobFile, JobFile.file_id == File.id).where(JobFile.job_id == job_id)
    return list(session.scalars(wanted.order_by(JobFile.place)))


def place_of(session: Session, job: Job) -> int | None:
    """A waiting job's place in the queue: 1 is next. None where it does not wait."""
    if job.status not in ("pending", "queued"):
        return None
    before = select(func.count()).select_from(Job)
    before = before.where(Job.status.in_(("pending", "queued")), Job.created_at < job.created_at)
    return 1 + (session.scalar(before) or 0)


def cancel_job(session: Session, team: int, identity: str) -> Job:
    """The job, cancelled; what runs of it is ended by the worker.

    Raises:
        ConflictError: it has ended already.
    """
    job = get_job(session, team, identity)
    if job.status == "cancelled":
        return job
    if not move(
        session, identity, OPEN, status="cancelled", cancel_requested=True, completed_at=now(), seconds_left=None
    ):
        session.refresh(job)
        raise ConflictError(f"The job {identity} is already {job.status} and cannot be cancelled.")
    add_event(session, identity, "cancelled", "The job was cancelled.", level="warning")
    session.refresh(job)
    return job


def resume_job(session: Session, team: int, identity: str) -> Job:
    """The job, waiting once more; it goes on from the last checkpoint that it had when it was cancelled or failed.

    `cancel_requested` stays until the worker takes it up again, so that what still runs of it ends first.

    Raises:
        ConflictError: it has not ended, has its model, or a file that it needs is gone.
    """
    job = get_job(session, team, identity)
    if job.status not in STOPPED:
        raise ConflictError(f"Only a cancelled or failed job can be resumed: {identity} is {job.status}.")
    for file in files_of(session, identity):
        if file.deleted_at is not None and not data_of(identity, file).exists():
            raise ConflictError(
                f"A job needs its training files to be resumed, but {file.filename} was deleted. "
                "Upload it again and start a new job."
            )
    fresh = {"completed_at": None, "error_analysis": None, "phase": None, "progress": None, "cancel_requested": True}
    if move(session, identity, STOPPED, status="pending", **fresh):
        add_event(session, identity, RESUMED, "The job was resumed from its last checkpoint.")
    session.refresh(job)
    return job


def attempt_of(session: Session, identity: str) -> int:
    """The number of times a job was resumed."""
    wanted = select(func.count()).select_from(Event).where(Event.job_id == identity, Event.phase == RESUMED)
    return session.scalar(wanted) or 0


def move(session: Session, identity: str, expected: Sequence[str], **values: Any) -> bool:
    """Set these values if the job is in one of the expected states; return True if it was."""
    changed = session.execute(update(Job).where(Job.id == identity, Job.status.in_(expected)).values(**values))
    return bool(changed.rowcount)  # pyright: ignore[reportAttributeAccessIssue]


def offer(session: Session, team: int, identity: str, available: bool) -> Job:
    """The job whose model answers under the job's own id, or no longer does.

    Raises:
        ConflictError: it has no finished model.
    """
    job = get_job(session, team, identity)
    if job.status != "completed":
        raise ConflictError(f"Only a completed job has a model to promote: {identity} is {job.status}.")
    if job.inference_available != available:
        job.inference_available = available
        words = "answers under the id of the job" if available else "no longer answers"
        add_event(session, identity, "promote" if available else "demote", f"The model {words}.")
    return job


def trained_on(session: Session, file_id: str) -> list[Job]:
    """The jobs that use a file, the oldest first."""
    wanted = select(Job).join(JobFile, JobFile.job_id == Job.id).where(JobFile.file_id == file_id)
    return list(session.scalars(wanted.order_by(Job.created_at)))
