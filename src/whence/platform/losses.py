"""The loss of a job by step: out of its run's trace, else, while it is being trained, out of its events."""

import math
from typing import Any

from pyarrow import parquet
from sqlalchemy.orm import Session

from whence.figures.loss import Step
from whence.platform.events import events_of
from whence.platform.jobs import run_of

pq: Any = parquet  # it ships no types
STEPS = ("trace", "steps.parquet")
"""Where a run keeps its steps; `whence.training.trace` writes them there when it is over."""


def losses_of(session: Session, job_id: str) -> list[Step]:
    """The steps of a job in order, as far as it has got; those without a finite loss are left out."""
    path = run_of(job_id).joinpath(*STEPS)
    steps = traced(pq.read_table(path).to_pylist()) if path.is_file() else told(session, job_id)
    return [step for step in steps if math.isfinite(step.loss)]


def traced(rows: list[dict[str, Any]]) -> list[Step]:
    """The steps of a trace that have a loss."""
    return [Step(row["step"], row["loss"], row["learning_rate"]) for row in rows if row["loss"] is not None]


def told(session: Session, job_id: str) -> list[Step]:
    """The steps that events speak of, each once: a job that was resumed tells some of them again."""
    heard = {e.step: e.loss for e in events_of(session, job_id) if e.step is not None and e.loss is not None}
    return [Step(step, loss) for step, loss in sorted(heard.items())]
