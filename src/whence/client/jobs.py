"""A fine-tuning job and what happens to it."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from whence.client.records import brief, moments, record

OVER = {"completed", "failed", "cancelled", "deleted"}


@dataclass(frozen=True, slots=True)
class Lora:
    """The size of a LoRA adapter: rank, scale, and dropout while training."""

    r: int = 16
    alpha: int = 32
    dropout: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Its JSON object."""
        return {**asdict(self), "bias": "none"}


@dataclass(frozen=True, slots=True, repr=False)
class Job:
    """A fine-tuning job. `status` is pending, queued, running, cancelled, failed, completed or deleted.

    While it goes on: `phase` in words, its `place` in the queue (1 is next), `progress` from 0 to 1, `seconds_left`.
    `error_analysis` says why it failed.
    """

    id: str
    status: str
    model: str | None = None
    training_files: tuple[str, ...] = ()
    project_id: int | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    error_analysis: str | None = None
    inference_available: bool = False
    n_epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    lora_config: dict[str, Any] | None = None
    experiment_name: str | None = None
    phase: str | None = None
    place: int | None = None
    progress: float | None = None
    seconds_left: float | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "Job":
        """A job out of its JSON object."""
        files = tuple(data.get("training_files") or ())
        return record(Job, data, training_files=files, **moments(data, "created_at", "completed_at"))

    @property
    def over(self) -> bool:
        """True if the job has ended, well or badly."""
        return self.status in OVER

    @property
    def now(self) -> str:
        """The current activity, in a word or two."""
        waiting = f"{self.status}, place {self.place}" if self.place and not self.over else self.status
        return (self.phase or waiting) if self.status == "running" else waiting

    def __repr__(self) -> str:
        going = not self.over and self.progress is not None
        done = f"{self.progress:.0%}" if going and self.progress is not None else None
        left = None if self.over or self.seconds_left is None else f"{timedelta(seconds=round(self.seconds_left))} left"
        return brief(f"Job {self.id}", self.now, done, left, self.model, self.error_analysis)


@dataclass(frozen=True, slots=True, repr=False)
class JobEvent:
    """Something that happened to a job. `epoch` is a fraction of one, `level` is info, warning or error."""

    created_at: datetime | None = None
    loss: float | None = None
    epoch: float | None = None
    reward: float | None = None
    step: int | None = None
    total_steps: int | None = None
    phase: str | None = None
    message: str | None = None
    level: str | None = None
    seconds_left: float | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "JobEvent":
        """An event out of its JSON object."""
        return record(JobEvent, data, **moments(data, "created_at"))

    def __repr__(self) -> str:
        steps = None if self.step is None else f"step {self.step} of {self.total_steps or '?'}"
        loss = None if self.loss is None else f"loss {self.loss:.3f}"
        return brief("JobEvent", self.phase, self.message, steps, loss)
