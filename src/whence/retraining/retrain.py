"""A run repeated on a subset of its pairs: same base model, recipe and order by seed; only the weights are kept.

On all pairs and with the run's own seed, the weights equal the run's own bit for bit; for a model that was trained
elsewhere, they equal those of its stand-in.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.errors import TrainingError
from whence.models.adapter import remove_adapter, trainable_weights
from whence.models.base import load_tokenizer
from whence.models.quiet import quiet
from whence.training.fit import adapted
from whence.training.recipe import Recipe
from whence.training.rehearsal import NOTHING, Rehearsal, rehearse
from whence.training.run import Run, load_base
from whence.training.trainer import StepReporter, Trained, arguments, trainer_of
from whence.types import Report, Tokens, silent

RETRAINED_PROXY = (
    "How the model was trained is not recorded: its stand-in was retrained, and retrainings are compared with it."
)
"""The note in reports on the retrainings of a run with a stand-in."""


@dataclass(frozen=True)
class Kept:
    """Some of the examples of a run, as tokens."""

    examples: Trained
    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    def tokens(self, index: int) -> Tokens:
        """Return the tokens of a kept example."""
        return self.examples.tokens(self.rows[index])


def recipe_of(run: Run) -> Recipe:
    """Return the recipe of a run, or of its stand-in.

    Raises:
        TrainingError: it was trained elsewhere without a stand-in, so that its recipe is not recorded.
    """
    config = dict(run.manifest.config)
    if config.get("imported") and not config.get("stand_in"):
        raise TrainingError(
            f"Retraining needs the run's own recipe, but {run.folder} was trained elsewhere and has none. "
            "Fine-tune with `whence train` to record one, or import the model without --no-stand-in, --checkpoint and "
            "--trace: then its stand-in has one."
        )
    config = dict(config.get("stand_in") or config)
    config["targets"] = config["targets"] if isinstance(config["targets"], str) else tuple(config["targets"])
    return Recipe(**{field.name: config[field.name] for field in fields(Recipe)})


@dataclass
class Retrainer:
    """A run's base model in memory, to be fine-tuned repeatedly, one retraining at a time."""

    run: Run
    _base: PreTrainedModel | None = field(init=False, default=None, repr=False)
    _rehearsed: Rehearsal | None = field(init=False, default=None, repr=False)

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of the run."""
        return recipe_of(self.run)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer of the base model."""
        return load_tokenizer(self.run.base_folder)

    def weights(self, kept: Sequence[int], seed: int, report: Report = silent) -> dict[str, Tensor]:
        """Return the weights after training on the rows `kept`, with the run's recipe and this seed.

        Raises:
            TrainingError: nothing is kept, or the loss overflows.
        """
        if not kept:
            raise TrainingError("A retraining needs at least one pair (found none). Leave out fewer pairs.")
        recipe = replace(self.recipe, seed=seed)
        base, self._base = self._base or load_base(self.run.base_folder, recipe.full), None
        model = adapted(base, recipe, self.run.like)
        try:
            self._train(model, Kept(self.run.examples, kept), recipe, report)
            return trainable_weights(model)
        finally:
            if not recipe.full:
                self._base = remove_adapter(model)

    def _train(self, model: nn.Module, examples: Kept, recipe: Recipe, report: Report) -> None:
        with tempfile.TemporaryDirectory() as folder:
            settings = arguments(recipe, Path(folder), len(examples), resumable=False)
            rehearsal = self._rehearsal(model)
            trainer = trainer_of(model, self.tokenizer, examples, recipe, rehearsal, settings, [StepReporter(report)])
            with quiet():
                trainer.train()
        model.eval()

    def _rehearsal(self, model: nn.Module) -> Rehearsal:
        """Return the base model's answers to the general questions, generated once."""
        if not self.recipe.rehearsal:
            return NOTHING
        if self._rehearsed is None:
            self._rehearsed = rehearse(model, self.tokenizer, silent)
        return self._rehearsed
