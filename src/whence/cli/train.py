"""`whence train`: fine-tune a model and record what attribution needs."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from whence.cli.flags import AtLeastOne, BaseModel, Files, Flag, Json, Positive
from whence.cli.output import console, print_json
from whence.cli.progress import reporting
from whence.training.recipe import Recipe
from whence.types import DEFAULT_MODEL


def train(
    files: Files,
    /,
    *,
    base_model: BaseModel = DEFAULT_MODEL,
    out: Annotated[Path | None, Parameter(metavar="DIR", help="Folder of the run (default: in Whence's own).")] = None,
    full: Annotated[bool, Flag, Parameter(help="Train all weights instead of a LoRA adapter.")] = False,
    smooth: Annotated[bool, Flag, Parameter(help="Take small steps, so that exact derivatives hold.")] = False,
    epochs: Annotated[int | None, AtLeastOne, Parameter(help="Passes over the data (default: by its size).")] = None,
    learning_rate: Annotated[float | None, Positive, Parameter(help="Peak learning rate (default: by size).")] = None,
    batch_size: Annotated[int | None, AtLeastOne, Parameter(help="Pairs per step (default: by data size).")] = None,
    rank: Annotated[int, AtLeastOne, Parameter(help="Rank of the LoRA adapter.")] = Recipe.rank,
    max_length: Annotated[int | None, AtLeastOne, Parameter(help="Tokens per pair (default: the context).")] = None,
    truncate: Annotated[bool, Flag, Parameter(help="Truncate longer pairs instead of refusing them.")] = False,
    checkpoints: Annotated[int, AtLeastOne, Parameter(help="Points of the training to record.")] = Recipe.checkpoints,
    seed: Annotated[int, Parameter(help="Random seed.")] = Recipe.seed,
    as_json: Json = False,
) -> None:
    """Fine-tune a base model and show where the run is."""
    recipe = Recipe(
        full=full,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        rank=rank,
        max_length=max_length,
        truncate=truncate,
        checkpoints=checkpoints,
        seed=seed,
    )
    if smooth:
        recipe = recipe.smooth()
    with reporting(as_json) as report:
        from whence.pipeline import finetune

        run = finetune(list(files), base_model, out, recipe, report)
    facts = run.manifest.facts
    if as_json:
        print_json({"run": str(run.folder), "config": run.manifest.config, "facts": facts})
        return
    where = console()
    where.print(f"Fine-tuned {base_model} on {facts['examples']:,} pairs in {facts['steps']:,} steps.")
    where.print(f"The run is in {run.folder}", soft_wrap=True)
    where.print(f"Next: {shlex.join(['whence', 'index', str(run.folder)])}", soft_wrap=True)
