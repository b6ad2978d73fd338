"""The progress of a long stage, and where it is reported."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a long stage: `done` of `total` `unit`s of `step` are finished."""

    step: str
    done: int
    total: int
    unit: str
    detail: dict[str, float] = field(default_factory=dict[str, float])


Report = Callable[[Progress], None]
"""The receiver of progress; the terminal, an event stream and a page each render it."""


def silent(progress: Progress) -> None:
    """A `Report` that does nothing."""
