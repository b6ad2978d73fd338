"""Progress events on standard error: bars on a terminal, plain lines elsewhere, nothing under --json."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from whence.cli.amounts import duration
from whence.cli.output import console
from whence.types import Progress, Report, silent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

SPACING = 10.0
"""Least seconds between two plain lines of one step."""
BRIEF = 0.5
"""Seconds below which a finished bar is not left on the screen."""
WORDS = {"generate": "answering", "null": "control questions", "words": "counting words"}
"""What a step is called where its own name is short for something."""


@contextmanager
def reporting(as_json: bool, stream: TextIO | None = None) -> Generator[Report]:
    """The `Report` that suits where standard error leads."""
    where = stream or sys.stderr
    if as_json:
        yield silent
    elif where.isatty():
        with bars(console(stderr=True)) as shown:
            yield shown
    else:
        yield Lines(where)


class Lines:
    """Writes a plain line when a step begins and when it ends, and in between at most every 10 s."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.step = ""
        self.began = self.wrote = 0.0
        self.first = 0

    def __call__(self, progress: Progress) -> None:
        """Write the line that is due, if any."""
        now = time.monotonic()
        starts = progress.step != self.step or progress.done < self.first
        if starts:
            self.step, self.began, self.first = progress.step, now, progress.done
        ends = progress.done >= progress.total
        if starts and ends and progress.total == 1:
            return  # one thing, already done: nothing to wait for
        if starts or ends or now - self.wrote >= SPACING:
            self.wrote = now
            print(f"{count_of(progress)}{self.timing(progress, now)}", file=self.stream, flush=True)
        if ends:
            self.step = ""

    def timing(self, progress: Progress, now: float) -> str:
        """How long the step took, or about how long it will go on."""
        spent, done = now - self.began, progress.done - self.first
        if progress.done >= progress.total:
            return f" in {duration(spent)}" if spent >= BRIEF else ""
        return f", about {duration(spent / done * (progress.total - progress.done))} left" if done > 0 else ""


def count_of(progress: Progress) -> str:
    """The event as "fine-tuning: 12 of 240 steps"; where there is only one thing to do, just its name."""
    name = WORDS.get(progress.step, progress.step)
    if progress.total == 1:
        return f"{name}: done" if progress.done else name
    return f"{name}: {progress.done:,} of {progress.total:,} {progress.unit}"


@contextmanager
def bars(where: "Console") -> Generator["Bars"]:
    """Bars on a terminal for the length of a block."""
    shown = Bars(where)
    shown.live.start()
    try:
        yield shown
    finally:
        shown.live.stop()


class Bars:
    """Draws a bar for each step, with the time left; a step that was over in a moment leaves none behind."""

    def __init__(self, where: "Console") -> None:
        from rich import progress as rich

        self.live = rich.Progress(
            rich.TextColumn("{task.description}"),
            rich.BarColumn(bar_width=20),
            rich.TextColumn("{task.fields[count]}"),
            rich.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            rich.TextColumn("{task.fields[detail]}", style="dim"),
            console=where,
            refresh_per_second=4,
            speed_estimate_period=300,
            redirect_stdout=False,
        )
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        """Move the step's bar, which is drawn first if need be."""
        task = self.tasks.get(progress.step)
        if task is None:
            task = self.tasks[progress.step] = self.begin(progress)
        single = progress.total == 1
        self.live.update(
            task,
            completed=progress.done,
            total=None if single and not progress.done else progress.total,
            count="" if single else f"{progress.done:,}/{progress.total:,} {progress.unit}",
            detail=f"loss {progress.detail['loss']:.2f}" if "loss" in progress.detail else "",
        )
        if progress.done >= progress.total:
            self.end(progress.step)

    def begin(self, progress: Progress) -> "TaskID":
        """A new bar. What an earlier, killed command had done counts as done but not towards the speed."""
        name = WORDS.get(progress.step, progress.step)
        return self.live.add_task(name, total=None, completed=progress.done, count="", detail="")

    def end(self, step: str) -> None:
        """Leave the finished bar on the screen, unless it was there for a moment only."""
        task = self.tasks.pop(step)
        brief = (self.live.tasks[self.live.task_ids.index(task)].elapsed or 0.0) < BRIEF
        if brief:
            self.live.remove_task(task)
