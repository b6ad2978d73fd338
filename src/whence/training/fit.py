"""From the examples of a run that is being made to its trace and its weights."""

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
    """What is worth knowing of the fine-tuning of a base model on the examples in the folder `part`, where trace and
    weights lie afterwards; one that was killed goes on at its last checkpoint. `like`:
    see `adapted`.

    Raises:
        TrainingError: the loss overflows.
    """
    model = adapted(load_base(base, recipe.full), recipe, like)
    facts = train(model, tokenizer, ExampleTable.open(part / EXAMPLES), recipe, part, report)
    save_weights(model, tokenizer, part, recipe.full)
    shutil.rmtree(part / RESUME, ignore_errors=True)
    return dict(facts)


def adapted(model: PreTrainedModel, recipe: Recipe, like: Path | None = None) -> Any:
    """The model that is trained: with a fresh adapter, put on in place, or as it is for full fine-tuning.

    `like` is the folder of an adapter whose form the fresh one takes, rather than that of the recipe.
    """
    if recipe.full:
        return model
    if like is not None:
        return with_lora_like(model, like, recipe.seed)
    return with_lora(model, recipe.rank, recipe.alpha, recipe.targets, recipe.seed, recipe.dropout)
