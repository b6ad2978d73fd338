"""The progress of a stage in the database: the job's row and its events, no more often than a person can read."""

import time
from typing import Any

from whence.platform.database import Database
from whence.platform.events import add_event, words_of
from whence.platform.jobs import move
from whence.platform.retry import retry_while_unavailable

SPACING = 1.0
"""Least seconds between two events of a step."""
PARTS = {"generate": 0, "fine-tuning": 1, "gradients": 1, "null": 2}
"""Steps of a stage in order: the later the step, the further the stage got."""


class StageProgress:
    """Records the progress of one stage. `reached` grows as the stage gets further; -1 before it has begun.

    With `foreground` the job waits for the stage, so that the job's own progress is the stage's.
    """

    def __init__(self, database: Database, job_id: str, foreground: bool) -> None:
        self.database, self.job_id, self.foreground = database, job_id, foreground
        self.reached = -1.0
        self.step, self.epoch, self.written = "", 0, 0.0

    def record(self, progress: dict[str, Any]) -> None:
        """Write progress if it begins or ends a step, begins an epoch, or the last was written a while ago."""
        share = progress["done"] / max(progress["total"], 1)
        self.reached = max(self.reached, share + PARTS.get(progress["step"], 0))
        epoch = int(progress["detail"].get("epoch", 0))
        now = time.monotonic()
        if progress["step"] == self.step and epoch == self.epoch and share < 1 and now - self.written < SPACING:
            return
        self.step, self.epoch, self.written = progress["step"], epoch, now
        retry_while_unavailable(lambda: self._write(progress, share))

    def _write(self, progress: dict[str, Any], share: float) -> None:
        detail = progress["detail"]
        numbers = {
            "step": progress["done"],
            "total_steps": progress["total"],
            "seconds_left": progress["left"],
            **{name: float(detail[name]) for name in ("loss", "epoch") if name in detail},
        }
        with self.database.session() as session:
            if self.foreground:
                move(session, self.job_id, ("running",), progress=share, seconds_left=progress["left"])
            add_event(session, self.job_id, progress["step"], words_of(progress), numbers=numbers)
