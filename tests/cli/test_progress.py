"""Progress as bars, as plain lines, and not at all."""

import io

import pytest

from whence.cli import lines as module
from whence.cli.bars import Bars
from whence.cli.lines import Lines
from whence.cli.progress import reporting
from whence.types import Progress, silent


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def told(clock: Clock, *events: tuple[float, Progress]) -> list[str]:
    stream = io.StringIO()
    lines = Lines(stream)
    for seconds, event in events:
        clock.now += seconds
        lines(event)
    return stream.getvalue().splitlines()


def test_a_line_at_the_start_at_the_end_and_every_ten_seconds(clock: Clock) -> None:
    steps = [(4.0, Progress("fine-tuning", done, 10, "steps")) for done in range(11)]
    assert told(clock, *steps) == [
        "fine-tuning: 0 of 10 steps",
        "fine-tuning: 3 of 10 steps, about 28 s left",
        "fine-tuning: 6 of 10 steps, about 16 s left",
        "fine-tuning: 9 of 10 steps, about 4.0 s left",
        "fine-tuning: 10 of 10 steps in 40 s",
    ]


def test_what_was_done_before_does_not_count_towards_the_speed(clock: Clock) -> None:
    steps = ((0, Progress("gradients", 900, 1000, "passes")), (20, Progress("gradients", 910, 1000, "passes")))
    assert told(clock, *steps)[-1] == "gradients: 910 of 1,000 passes, about 3 min left"


def test_a_step_may_come_twice(clock: Clock) -> None:
    one, two = Progress("generate", 2, 2, "answers"), Progress("generate", 3, 3, "answers")
    assert told(clock, (0, one), (1, two)) == ["answering: 2 of 2 answers", "answering: 3 of 3 answers"]


def test_a_single_thing_has_no_count(clock: Clock) -> None:
    begin, end = (Progress("download wheel", done, 1, "wheel") for done in (0, 1))
    assert told(clock, (0, begin), (5, end)) == ["download wheel", "download wheel: done in 5.0 s"]
    assert told(clock, (0, end)) == []


def test_bars_on_a_terminal_lines_elsewhere_nothing_for_programs() -> None:
    with reporting(False, Terminal()) as report:
        assert isinstance(report, Bars)
    with reporting(False, io.StringIO()) as report:
        assert isinstance(report, Lines)
    with reporting(True, Terminal()) as report:
        assert report is silent
