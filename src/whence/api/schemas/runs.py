"""Runs, their files and indexes, and the methods there are."""

from typing import Any, Literal

from whence.api.schemas.base import Answer
from whence.types import Unit

Status = Literal["pending", "queued", "running", "cancelled", "failed", "completed", "deleted"]


class RunFile(Answer):
    """A file that a job was trained on."""

    id: str
    filename: str
    deleted: bool


class RunIndex(Answer):
    """A finished index of a run."""

    method: str
    manifest: dict[str, Any]


class RunAnswer(Answer):
    """A job with what it has left. `manifest` is null until the run is finished; `seconds_left` are of the phase."""

    id: str
    object: Literal["run"] = "run"
    status: Status
    phase: str | None
    place: int | None
    progress: float | None
    seconds_left: float | None
    model: str
    files: list[RunFile]
    manifest: dict[str, Any] | None
    indexes: list[RunIndex]
    evaluation: dict[str, Any] | None
    error_analysis: str | None
    inference_available: bool


class MethodNeeds(Answer):
    """The checkpoints of a run that a method needs: none, the last one, or all."""

    checkpoints: Literal["none", "last", "all"]


class MethodAnswer(Answer):
    """A method of attribution. `unit` says what its scores mean."""

    name: str
    unit: Unit
    needs: MethodNeeds


class MethodList(Answer):
    """Methods, the default first."""

    object: Literal["list"] = "list"
    data: list[MethodAnswer]
