"""Progress as plain lines, each with the time that is left."""

import time
from typing import TextIO

from whence.cli.formatting import duration
from whence.types import Progress

SPACING = 10.0
"""Minimum seconds between two plain lines of one step."""
BRIEF = 0.5
"""Seconds below which the duration of a step is not shown."""
WORDS = {"generate": "answering", "null": "control questions", "words": "counting words"}
"""Names for people, of steps whose own name is an abbreviation."""


class Lines:
    """Writes a plain line when a step begins and ends, and at most every 10 s in between."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.step = ""
        self.began = self.wrote = 0.0
        self.first = 0

    def __call__(self, progress: Progress) -> None:
        """Write a line if one is due."""
        now = time.monotonic()
        starts = progress.step != self.step or progress.done < self.first
        if starts:
            self.step, self.began, self.first = progress.step, now, progress.done
        ends = progress.done >= progress.total
        if starts and ends and progress.total == 1:
            return  # a single item that is already done: nothing to wait for
        if starts or ends or now - self.wrote >= SPACING:
            self.wrote = now
            print(f"{count_of(progress)}{self.timing(progress, now)}", file=self.stream, flush=True)
        if ends:
            self.step = ""

    def timing(self, progress: Progress, now: float) -> str:
        """The time that the step took, or about the time that is left."""
        spent, done = now - self.began, progress.done - self.first
        if progress.done >= progress.total:
            return f" in {duration(spent)}" if spent >= BRIEF else ""
        return f", about {duration(spent / done * (progress.total - progress.done))} left" if done > 0 else ""


def name_of(progress: Progress) -> str:
    """The name of the event's step, for people."""
    return WORDS.get(progress.step, progress.step)


def count_of(progress: Progress) -> str:
    """The event as "fine-tuning: 12 of 240 steps"; the name alone if there is only one item."""
    name = name_of(progress)
    if progress.total == 1:
        return f"{name}: done" if progress.done else name
    return f"{name}: {progress.done:,} of {progress.total:,} {progress.unit}"
