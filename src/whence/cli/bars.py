"""Progress bars on a terminal, each with the time that is left."""

from collections.abc import Generator
from contextlib import contextmanager

from rich import progress as rich
from rich.console import Console
from rich.text import Text

from whence.cli.formatting import duration
from whence.cli.lines import BRIEF, name_of
from whence.types import Progress


@contextmanager
def bars(where: Console) -> Generator["Bars"]:
    """Draw bars on a terminal while a block runs."""
    shown = Bars(where)
    shown.live.start()
    try:
        yield shown
    finally:
        shown.live.stop()


class TimeLeft(rich.ProgressColumn):
    """The time that a step has left, or that it took once it has ended."""

    max_refresh = 0.5

    def render(self, task: rich.Task) -> Text:
        """The column's text for one step."""
        if task.finished_time is not None:
            return Text(f"in {duration(task.finished_time)}")
        left = task.time_remaining
        return Text("" if left is None else f"about {duration(left)} left")


class Bars:
    """Draws a bar for each step; a step that ends at once leaves none behind."""

    def __init__(self, where: Console) -> None:
        self.live = rich.Progress(
            rich.TextColumn("{task.description}"),
            rich.BarColumn(bar_width=16),
            rich.TextColumn("{task.fields[count]}"),
            TimeLeft(),
            rich.TextColumn("{task.fields[detail]}", style="dim"),
            console=where,
            refresh_per_second=4,
            speed_estimate_period=300,
            redirect_stdout=False,
        )
        self.tasks: dict[str, rich.TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        """Advance the step's bar, which is drawn first if necessary."""
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

    def begin(self, progress: Progress) -> rich.TaskID:
        """Add a bar. Work of an earlier, killed command counts as done, but not towards the speed."""
        return self.live.add_task(name_of(progress), total=None, completed=progress.done, count="", detail="")

    def end(self, step: str) -> None:
        """Leave the finished bar on the screen, unless it was brief."""
        task = self.tasks.pop(step)
        if (self.live.tasks[self.live.task_ids.index(task)].elapsed or 0.0) < BRIEF:
            self.live.remove_task(task)
