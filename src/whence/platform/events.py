"""The events of jobs, in order."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from whence.platform.tables import Event

WORDS = {
    "fine-tuning": "Fine-tuning",
    "generate": "The model answers general questions",
    "gradients": "Measuring each pair",
    "null": "Scoring control questions",
    "recall": "Checking whether pairs are found",
    "queued": "Queued",
}


def add_event(
    session: Session,
    job_id: str,
    phase: str,
    message: str,
    level: str = "info",
    numbers: Mapping[str, float | None] | None = None,
) -> None:
    """Store an event; numbers that are not finite are left out."""
    known = {name: value for name, value in (numbers or {}).items() if value is not None and math.isfinite(value)}
    session.add(Event(job_id=job_id, phase=phase, message=message, level=level, **known))


def events_of(session: Session, job_id: str, after: int = 0) -> list[Event]:
    """The events of a job in order, from number `after` on."""
    wanted = select(Event).where(Event.job_id == job_id, Event.id > after).order_by(Event.id)
    return list(session.scalars(wanted))


def words_of(progress: dict[str, Any]) -> str:
    """Progress as a sentence."""
    name = WORDS.get(progress["step"], progress["step"])
    return f"{name}: {progress['done']} of {progress['total']} {progress['unit']}"
