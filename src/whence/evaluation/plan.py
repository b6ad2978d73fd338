"""What an evaluation consists of, before anything of it is done: the parts to retrain on and what is measured."""

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

    `retrainings` is how many random parts of the pairs the model is trained on anew, `fraction` how large they are,
    `seed` draws them. `methods` None: the run's indexes; the baselines always come along. `queries` None: questions
    are drawn, `each` of a kind. `removal` are the numbers of pairs without which the model is trained anew, for each
    method and the first `removal_questions` questions. `ceiling` retrains every part with another seed, too.
    `mislabelled` are lines of the data whose answers are known to be wrong ("file:line" where there are several files);
    `swap` makes a run where some are.
    `tail` is how many of a method's first pairs a tail patch trains on.
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
                f"An evaluation needs at least {LEAST} retrainings (found {self.retrainings}). 64 tell methods apart."
            )
        if not 0 < self.fraction < 1:
            raise TrainingError(f"A part must be more than nothing and less than all (found {self.fraction}). Try 0.5.")

    def parts(self, run: Run) -> list[Subset]:
        """The random parts that the model is trained on anew, with the run's own seed.

        Raises:
            TrainingError: the run was trained elsewhere, or a removal takes as many pairs as there are.
        """
        rows, own = len(run.examples), recipe_of(run).seed
        if self.removal and max(self.removal) >= rows:
            raise TrainingError(f"A removal must leave a pair, but the run has {rows}. Remove fewer than that.")
        return random_subsets(rows, self.retrainings, self.seed, own, self.fraction)

    def again(self, run: Run) -> list[Subset]:
        """The same parts with another seed, which tells what can be foretold at best. None without `ceiling`."""
        return [replace(subset, seed=subset.seed + 1) for subset in self.parts(run)] if self.ceiling else []
