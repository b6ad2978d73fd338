"""Messages between the worker and the process that carries out the stages of a job: one JSON object per line."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from whence.types import DEFAULT_METHOD

Stage = Literal["train", "index", "evaluate", "insights"]


@dataclass(frozen=True)
class StageRequest:
    """One stage of a job. `recipe` holds the settings of a `Recipe`; `run` is the folder of the run. `earlier` is a run
    that is copied instead of trained again, provided it was made from the same data by the same recipe."""

    stage: Stage
    run: str
    data: tuple[str, ...] = ()
    base_model: str = ""
    recipe: dict[str, Any] = field(default_factory=dict[str, Any])
    method: str = DEFAULT_METHOD
    earlier: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The request as a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class StageEvent:
    """One message of a stage: progress while it runs, then either its result (`facts`) or a `failure`.

    `failure` is a message for the user. `kind` is the next step: "user" (correct the request), "disk" (free some
    space), "fault" (nothing the user can do).
    """

    progress: dict[str, Any] | None = None
    facts: dict[str, Any] | None = None
    failure: str | None = None
    kind: Literal["user", "disk", "fault"] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The message as a JSON object."""
        return asdict(self)
