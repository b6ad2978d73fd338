"""The plan of an evaluation: the subsets to retrain on and what is measured."""

from dataclasses import dataclass, replace
from pathlib import Path

from whence.errors import TrainingError
from whence.evaluation.lds import LEAST
from whence.retraining.retrain import recipe_of
from whence.retraining.subsets import Subset, random_subsets
from whence.training.run import Run


@dataclass(frozen=True)
class EvaluationPlan:
    """The settings of an evaluation.

    `retrainings`: the number of random subsets to retrain on; `fraction`: their size; `seed` draws them. `methods`
    None: the run's indexes; the baselines are always added. `queries` None: questions are drawn, `each` per kind.
    `removal`: numbers of first pairs to retrain without, for each method and the first `removal_questions` questions.
    `ceiling` also retrains every subset with another seed. `mislabelled`: lines of the data whose answers are known to
    be wrong ("file:line" for several files); `swap` makes a run with swapped answers. `tail`: the number of a method's
    first pairs that a tail patch trains on.
    """

    retrainings: int = 64
    fraction: float = 0.5
    seed: int = 1
    methods: tuple[str, ...] | None = None
    queries: Path | None = None
    each: int = 8
    removal: tuple[int, ...] = ()
    removal_questions: int = 6
    ceiling: bool = False
    mislabelled: tuple[int | str, ...] = ()
    swap: bool = False
    tail: int = 3

    def __post_init__(self) -> None:
        if self.retrainings < LEAST:
            raise TrainingError(
                f"An evaluation needs at least {LEAST} retrainings (found {self.retrainings}). Use 64 to compare."
            )
        if not 0 < self.fraction < 1:
            raise TrainingError(
                f"A subset must hold some pairs but not all: fraction between 0 and 1 (found {self.fraction}). Try 0.5."
            )

    def parts(self, run: Run) -> list[Subset]:
        """Return the random subsets to retrain on, with the run's own seed.

        Raises:
            TrainingError: the run was trained elsewhere, or a removal takes all pairs.
        """
        rows, own = len(run.examples), recipe_of(run).seed
        if self.removal and max(self.removal) >= rows:
            raise TrainingError(
                f"A removal must leave one of the run's {rows} pairs (found {max(self.removal)}). Remove fewer."
            )
        return random_subsets(rows, self.retrainings, self.seed, own, self.fraction)

    def again(self, run: Run) -> list[Subset]:
        """Return the same subsets with another seed, to measure the ceiling of predictions; empty without `ceiling`."""
        return [replace(subset, seed=subset.seed + 1) for subset in self.parts(run)] if self.ceiling else []
