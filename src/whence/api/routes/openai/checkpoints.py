"""The recorded points of a job's training, read from its trace without loading anything of a model."""

import math
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from whence.platform.jobs import run_of
from whence.store.artifact import part_of


@dataclass(frozen=True)
class Point:
    """A point after a number of steps. `loss` is the last that was logged up to it, `written` in seconds since 1970."""

    step: int
    loss: float | None
    written: float


def points_of(job_id: str) -> list[Point]:
    """The points of a job in order, so far as it has got; where training began is none of them."""
    run = run_of(job_id)
    trace = (run if run.exists() else part_of(run)) / "trace"
    found = {int(name.name.removeprefix("checkpoint-")): name for name in trace.glob("checkpoint-*[0-9]")}
    losses = logged(trace / "steps.parquet")
    return [
        Point(step, next((loss for at, loss in reversed(losses) if at <= step), None), found[step].stat().st_mtime)
        for step in sorted(found)
        if step
    ]


def logged(path: Path) -> list[tuple[int, float]]:
    """The steps at which a loss was logged, in order; none before the table was written."""
    if not path.is_file():
        return []
    table = pq.read_table(path, columns=["step", "loss"]).to_pydict()
    pairs = zip(table["step"], table["loss"], strict=True)
    return [(step, loss) for step, loss in pairs if loss is not None and math.isfinite(loss)]
