"""The cost of an evaluation before it starts: the number of retrainings, and seconds per retraining as measured."""

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
"""The least number of retrainings from which the standard error of a score is estimated."""


@dataclass(frozen=True)
class Cost:
    """The cost of an evaluation.

    `retrainings` are needed in total, `missing` have yet to be made and take `seconds` on `workers` processes (None:
    not measured). `measured` names the source of that time. `more` is the part of `missing` that is an upper bound: the
    pairs of a removal are known only after scoring, and two methods may leave out the same ones.
    """

    retrainings: int
    missing: int
    more: int
    seconds: float | None
    seconds_each: float | None
    measured: Literal["retrainings", "run", "nothing"]
    workers: int


def cost_of(run: Run, parts: Sequence[Subset], removals: int = 0, workers: int = 1) -> Cost:
    """Return the cost of retraining a run on these subsets, and of `removals` retrainings on nearly all pairs.

    Raises:
        TrainingError: the run was trained elsewhere.
    """
    recipe, retrainings = recipe_of(run), Retrainings(run)
    missing = retrainings.missing(parts)
    per_step, measured = seconds_per_step(run, recipe, retrainings.seconds(parts))
    steps = sum(recipe.steps(len(subset.kept)) for subset in missing) + removals * recipe.steps(len(run.examples))
    count = len(missing) + removals
    together = steps * per_step / max(1, min(workers, count)) if per_step is not None else None
    each = steps * per_step / count if per_step is not None and count else None
    return Cost(len(set(parts)) + removals, count, removals, together, each, measured, workers)


def seconds_per_step(
    run: Run, recipe: Recipe, made: Mapping[Subset, float]
) -> tuple[float | None, Literal["retrainings", "run", "nothing"]]:
    """Return the seconds per optimizer step, measured on finished retrainings or else on the run itself.

    On the run it is the median over its recorded points, in case the run was interrupted.
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
    """Return the number of retrainings that reduces the standard error over retrainings to `wanted`.

    The error falls with the square root of their number. None if fewer than `ENOUGH` were made.
    """
    return math.ceil(made * (error / wanted) ** 2) if made >= ENOUGH else None
