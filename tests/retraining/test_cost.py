import os
import shutil
from pathlib import Path

import pytest

from tests.retraining.conftest import PARTS
from whence.retraining.cost import ENOUGH, cost_of, needed_retrainings, seconds_per_step
from whence.retraining.retrain import recipe_of
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset, random_subsets
from whence.training.run import Run
from whence.training.trace import points_in, step_of


@pytest.fixture
def timed(learned: Run, tmp_path: Path) -> Run:
    """The run without a retrainings, its points written half a second a step apart, but for one pause of an hour."""
    shutil.copytree(learned.folder, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation"))
    for place, point in enumerate(points_in(tmp_path / "run" / "trace")):
        when = 1e9 + 0.5 * step_of(point) + (3600 if place > 2 else 0)
        os.utime(point / "weights.safetensors", (when, when))
    return Run.open(tmp_path / "run")


def test_before_any_retraining_the_run_itself_tells_the_time(timed: Run):
    found = cost_of(timed, random_subsets(12, 4, 1, 3))
    steps = recipe_of(timed).steps(6)
    assert (found.retrainings, found.missing, found.more, found.measured) == (4, 4, 0, "run")
    assert found.seconds_each == pytest.approx(0.5 * steps)
    assert found.seconds == pytest.approx(4 * 0.5 * steps)
    assert cost_of(timed, random_subsets(12, 4, 1, 3), workers=3).seconds == pytest.approx(4 * 0.5 * steps / 3)
    assert cost_of(timed, random_subsets(12, 4, 1, 3), workers=9).seconds == pytest.approx(0.5 * steps)


def test_a_removal_takes_as_long_as_the_whole_run(timed: Run):
    found = cost_of(timed, random_subsets(12, 2, 1, 3), removals=3)
    recipe = recipe_of(timed)
    assert (found.retrainings, found.missing, found.more) == (5, 5, 3)
    assert found.seconds == pytest.approx(0.5 * (2 * recipe.steps(6) + 3 * recipe.steps(12)))


def test_retrainings_that_were_made_tell_the_time(learned: Run, parts: list[Subset]):
    found = cost_of(learned, [*parts, *random_subsets(12, 7, 1, 3)])
    took = Retrainings(learned).seconds(parts)
    assert (found.retrainings, found.missing, found.measured) == (7, 7 - PARTS, "retrainings")
    assert found.seconds_each == pytest.approx(sum(took.values()) / len(parts))
    nothing = cost_of(learned, parts)
    assert (nothing.missing, nothing.seconds, nothing.seconds_each) == (0, 0, None)


def test_files_of_one_moment_tell_nothing(timed: Run):
    for point in points_in(timed.folder / "trace"):
        os.utime(point / "weights.safetensors", (1e9, 1e9))
    assert seconds_per_step(timed, recipe_of(timed), {}) == (None, "nothing")
    found = cost_of(timed, random_subsets(12, 2, 1, 3))
    assert (found.missing, found.seconds, found.measured) == (2, None, "nothing")


def test_the_error_falls_with_the_root_of_the_retrainings():
    assert needed_retrainings(16, 0.08, 0.02) == 256
    assert needed_retrainings(64, 0.02, 0.04) == 16
    assert needed_retrainings(ENOUGH - 1, 0.08, 0.02) is None
