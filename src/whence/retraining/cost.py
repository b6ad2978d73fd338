"""What an evaluation costs, before it starts: retrainings, and seconds each as they were measured."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from whence.retraining.retrain import recipe_of
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset
from whence.training.recipe import Recipe
from whence.training.run import Run
from whence.training.trace import points_in, step_of

ENOUGH = 16
"""Retrainings from which the retrainings tells how sure it makes of a score."""


@dataclass(frozen=True)
class Cost:
    """What an evaluation takes.

    `retrainings` are needed in all, `missing` have yet to be made, in `seconds` together on `workers` processes (None:
    nothing was measured). `measured` says on what. `more` is how many of them only an upper bound is known of: which
    pairs a removal leaves out is known after scoring, and two methods may leave out the same.
    """

    retrainings: int
    missing: int
    more: int
    seconds: float | None
    seconds_each: float | None
    measured: Literal["retrainings", "run", "nothing"]
    workers: int


def cost_of(run: Run, parts: Sequence[Subset], removals: int = 0, workers: int = 1) -> Cost:
    """What it costs to have these parts in the run's retrainings, and `removals` retrainings on nearly all pairs.

    Raises:
        TrainingError: the run was trained elsewhere.
    """
    recipe, retrainings = recipe_of(run), Retrainings(run)
    missing = retrainings.missing(parts)
    a_step, measured = seconds_a_step(run, recipe, retrainings.seconds(parts))
    steps = sum(recipe.steps(len(subset.kept)) for subset in missing) + removals * recipe.steps(len(run.examples))
    count = len(missing) + removals
    together = steps * a_step / max(1, min(workers, count)) if a_step is not None else None
    each = steps * a_step / count if a_step is not None and count else None
    return Cost(len(set(parts)) + removals, count, removals, together, each, measured, workers)


def seconds_a_step(
    run: Run, recipe: Recipe, made: Mapping[Subset, float]
) -> tuple[float | None, Literal["retrainings", "run", "nothing"]]:
    """Seconds of one optimizer step, and what they were measured on: retrainings, else the run itself.

    A run that was interrupted, or whose files were copied, tells by the median over its recorded points.
    """
    if made:
        steps = sum(recipe.steps(len(subset.kept)) for subset in made)
        return sum(made.values()) / steps, "retrainings"
    points = [
        (step_of(path), (path / "weights.safetensors").stat().st_mtime) for path in points_in(run.folder / "trace")
    ]
    gaps = [(end - start) / (after - before) for (before, start), (after, end) in pairwise(points)]
    return (median(gaps), "run") if gaps and median(gaps) > 0 else (None, "nothing")


def needed_retrainings(made: int, error: float, wanted: float) -> int | None:
    """How many retrainings bring the standard error over retrainings to `wanted`: it falls with their root.

    None where fewer than `ENOUGH` were made: the error is not known well enough.
    """
    return math.ceil(made * (error / wanted) ** 2) if made >= ENOUGH else None
