"""How far something long has come, and where that is told."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward of something long: `done` of `total` `unit`s of `step` are finished."""

    step: str
    done: int
    total: int
    unit: str
    detail: dict[str, float] = field(default_factory=dict[str, float])


Report = Callable[[Progress], None]
"""Where a long stage reports to; the terminal, an event stream and a page each render it."""


def silent(progress: Progress) -> None:
    """A `Report` that tells nobody."""
