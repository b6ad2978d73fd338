"""Progress as bars on a terminal."""

import io

import pytest
from rich.console import Console

from whence.cli import bars as module
from whence.cli.bars import bars
from whence.types import Progress


def test_bars_fit_80_columns_and_show_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BRIEF", 0.0)
    file = io.StringIO()
    with bars(Console(file=file, force_terminal=True, width=80, color_system=None, legacy_windows=False)) as shown:
        shown(Progress("fine-tuning", 0, 12_000, "examples"))
        shown(Progress("fine-tuning", 12_000, 12_000, "examples", {"loss": 0.125}))
    last = file.getvalue().split("\n")[-2].split("\r")[-1].removeprefix("\x1b[2K")
    assert "fine-tuning" in last
    assert "12,000/12,000 examples" in last
    assert "loss 0.12" in last
    assert len(last) <= 80


def test_a_bar_that_was_there_for_a_moment_is_taken_away() -> None:
    with bars(Console(file=io.StringIO(), force_terminal=True, width=80)) as shown:
        shown(Progress("generate", 0, 4, "answers"))
        assert len(shown.live.tasks) == 1
        shown(Progress("generate", 4, 4, "answers"))
        assert not shown.live.tasks


def test_the_time_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    where = Console(file=io.StringIO(), force_terminal=True, width=80, get_time=lambda: now)
    with bars(where) as shown:
        for done in (0, 2, 4):
            shown(Progress("gradients", done, 100, "passes"))
            now += 3.0
        left = module.TimeLeft().render(shown.live.tasks[0])
    assert left.plain == "about 2 min left"
