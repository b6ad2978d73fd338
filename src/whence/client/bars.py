"""Progress of an upload or a job as a bar, where there is a terminal or a notebook to draw it on."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from whence.types import Progress, Report, silent

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

Shown = bool | Report
"""True draws bars on standard error, False nothing; a `Report` is told instead."""

DETAIL = "{task.fields[detail]}"


@contextmanager
def shown(progress: Shown) -> Generator[Report]:
    """The report to use for the length of a block."""
    if not isinstance(progress, bool):
        yield progress
    elif progress:
        with _bars() as bars:
            yield Drawing(bars)
    else:
        yield silent


def _bars() -> "Bars":
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    visible = console.is_terminal or console.is_jupyter
    texts = [TextColumn(text, markup=False) for text in ("{task.description}", "{task.percentage:.0f} %", DETAIL)]
    return Bars(texts[0], BarColumn(24), *texts[1:], console=console, disable=not visible)


class Drawing:
    """A report that moves one bar, whatever the step."""

    def __init__(self, bars: "Bars") -> None:
        self.bars = bars
        self.task = bars.add_task("", total=None, detail="")

    def __call__(self, progress: Progress) -> None:
        """Move the bar."""
        self.bars.update(
            self.task,
            description=progress.step,
            completed=progress.done,
            total=progress.total or None,
            detail=", ".join(details(progress)),
        )


def details(progress: Progress) -> Generator[str]:
    """The loss and the time left, where they are known."""
    if "loss" in progress.detail:
        yield f"loss {progress.detail['loss']:.2f}"
    if "seconds_left" in progress.detail:
        yield f"{timedelta(seconds=round(progress.detail['seconds_left']))} left"
