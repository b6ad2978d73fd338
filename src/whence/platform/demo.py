"""The shipped sample as a file and a fine-tuning job of a team's own: the same ones for as long as they are there."""

import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from whence.data.sample import sample, sample_questions
from whence.platform.deployments import ANSWERING, TUNED
from whence.platform.files import PAIRS, Upload, inspect_uploads, keep
from whence.platform.jobs import create_job, files_of, trained_on
from whence.platform.models import base_model
from whence.platform.tables import AttributionRecord, Deployment, File, Job
from whence.store.objects import Objects
from whence.types import DEFAULT_MODEL

FILENAME = "faq.jsonl"
MARK = "demo"
"""What the configuration of such a job says of it, so that no other job on the same pairs is taken for it."""
LORA = {"r": 16, "alpha": 32, "dropout": 0.0}
"""The adapter of `whence demo`; all else of its recipe follows from the data."""
HARDWARE = {"accel_type": "A100", "n_accel": 1, "n_node": 1}
OVER = ("failed", "cancelled")
ANSWERS = 100
"""How many of the latest attributions are looked through for an answer to a question."""


@dataclass(frozen=True)
class DemoQuestion:
    """A question of the demo, the model's answer when it was last explained (None: never), and what to look for."""

    question: str
    answer: str | None
    about: str


@dataclass(frozen=True)
class Demo:
    """The demo of a team: its file, its job, and the deployment of its model if there is one."""

    file: File
    job: Job
    deployment_id: str | None
    questions: list[DemoQuestion]


def start_demo(session: Session, objects: Objects, team: int, model: str | None = None) -> Demo:
    """Return the team's demo; start it if it does not exist. A failed or cancelled job is replaced by a new one.

    Raises:
        DataError: there is no such base model.
    """
    place = base_model(model or DEFAULT_MODEL)
    job = _job(session, team, model)
    if job is not None and job.status not in OVER:
        return _told(session, job)
    file = _file(session, team) or _upload(session, objects, team)
    asked = model or DEFAULT_MODEL
    config: dict[str, Any] = {"training_files": [file.id], "model": asked, "lora_config": LORA, MARK: place}
    return _told(session, create_job(session, team, asked, config, HARDWARE, None))


def find_demo(session: Session, team: int) -> Demo | None:
    """The team's latest demo; None where there is none, or its file is gone."""
    job = _job(session, team)
    return None if job is None else _told(session, job)


def is_demo(job: Job) -> bool:
    """True if `start_demo` created the job."""
    return MARK in job.training_config


def _file(session: Session, team: int) -> File | None:
    digest = sha256(sample("pairs.jsonl").encode()).hexdigest()
    own = select(File).where(File.team_id == team, File.sha256 == digest, File.purpose == PAIRS)
    return session.scalar(own.where(File.deleted_at.is_(None)).order_by(File.created_at).limit(1))


def _upload(session: Session, objects: Objects, team: int) -> File:
    with tempfile.TemporaryDirectory(prefix="whence-demo-") as folder:
        path = Path(folder) / FILENAME
        path.write_text(sample("pairs.jsonl"), "utf-8", newline="")
        upload = Upload(path, FILENAME)
        (seen,) = inspect_uploads([upload], PAIRS)
        return keep(session, objects, team, upload, PAIRS, seen)


def _job(session: Session, team: int, model: str | None = None) -> Job | None:
    """The latest demo job of the team, of one base model or of any; jobs are few beside files' bytes."""
    file = _file(session, team)
    used = [] if file is None else trained_on(session, file.id)
    place = base_model(model) if model else None
    own = [job for job in used if job.training_config.get(MARK) and job.deleted_at is None]
    return next((job for job in reversed(own) if place in (None, job.training_config[MARK])), None)


def _told(session: Session, job: Job) -> Demo:
    (file,) = files_of(session, job.id)
    questions = [
        DemoQuestion(item["question"], _last_answer(session, job, item["question"]), item["about"])
        for item in sample_questions()
    ]
    return Demo(file, job, _deployment(session, job), questions)


def _deployment(session: Session, job: Job) -> str | None:
    own = select(Deployment).where(
        Deployment.team_id == job.team_id, Deployment.model_type == TUNED, Deployment.model_id == job.id
    )
    found = list(session.scalars(own.order_by(Deployment.created_at.desc())))
    answering = [one for one in found if one.status in ANSWERING]
    return next((one.id for one in (*answering, *found)), None)


def _last_answer(session: Session, job: Job, question: str) -> str | None:
    kept = select(AttributionRecord.result).where(AttributionRecord.job_id == job.id)
    results = session.scalars(kept.order_by(AttributionRecord.created_at.desc()).limit(ANSWERS))
    return next((one["answer"] for one in results if one["generated"] and one["question"] == question), None)
