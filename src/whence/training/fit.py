"""Fine-tuning of a run in progress: from its examples to its trace and weights."""

import shutil
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.data.table import ExampleTable
from whence.models.adapter import with_lora, with_lora_like
from whence.training.recipe import Recipe
from whence.training.run import EXAMPLES, load_base, save_weights
from whence.training.trainer import RESUME, train
from whence.types import Report


def fit_run(
    part: Path,
    base: Path,
    tokenizer: PreTrainedTokenizerBase,
    recipe: Recipe,
    report: Report,
    like: Path | None = None,
) -> dict[str, Any]:
    """Fine-tune a base model on the examples in the folder `part`, write trace and weights there, and return the facts.

    An interrupted fine-tuning resumes at its last checkpoint. `like`: see `adapted`.

    Raises:
        TrainingError: the loss overflows.
    """
    model = adapted(load_base(base, recipe.full), recipe, like)
    facts = train(model, tokenizer, ExampleTable.open(part / EXAMPLES), recipe, part, report)
    save_weights(model, tokenizer, part, recipe.full)
    shutil.rmtree(part / RESUME, ignore_errors=True)
    return dict(facts)


def adapted(model: PreTrainedModel, recipe: Recipe, like: Path | None = None) -> Any:
    """Return the model to train: with a fresh adapter, put on in place, or unchanged for full fine-tuning.

    `like` is the folder of an adapter whose form the fresh one takes instead of the recipe's.
    """
    if recipe.full:
        return model
    if like is not None:
        return with_lora_like(model, like, recipe.seed)
    return with_lora(model, recipe.rank, recipe.alpha, recipe.targets, recipe.seed, recipe.dropout)
