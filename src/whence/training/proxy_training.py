"""A stand-in for a training that left no trace: the base model, fine-tuned again on the same pairs with a recipe.

The finished model stays the one that answers and whose lift is measured; only the path is the stand-in's. Its adapter
has the form of the finished one but begins from other random factors, so that its points are compared with each other
alone, each as a whole set of weights.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerBase

from whence.data.table import ExampleTable
from whence.errors import TrainingError
from whence.models.adapter import lora_form, trainable
from whence.training.fit import adapted
from whence.training.recipe import Recipe
from whence.training.run import ADAPTER, EXAMPLES, FINISHED, load_base
from whence.training.trainer import RESUME, train
from whence.types import Report

STATE = "trainer_state.json"
FREE = Recipe(rehearsal=0)
"""The settings of a stand-in before it is known of which model: a training elsewhere knew no rehearsal."""
WEIGHTS_IN_MEMORY = 4
"""Of all weights in float32: themselves, their gradients, and both of Adam's moments."""


def proxy_recipe(finished: Path, full: bool, examples: int, given: Recipe = FREE) -> Recipe:
    """The complete recipe of the stand-in for a finished model.

    Rank, alpha, targets and dropout are the adapter's own. What `given` leaves open is taken from the Trainer's state
    that may lie beside the weights, else chosen for so many examples.
    """
    said = left_by_trainer(finished, examples)
    open_ones = {name: value for name, value in said.items() if getattr(given, name) is None}
    chosen = replace(given, full=full, max_length=None, truncate=False, **open_ones)
    if not full:
        rank, alpha, targets, dropout = lora_form(finished)
        chosen = replace(chosen, rank=rank, alpha=alpha, targets=targets, dropout=dropout)
    return chosen.for_examples(examples)


def left_by_trainer(folder: Path, examples: int) -> dict[str, Any]:
    """Epochs, examples a step and highest learning rate, so far as a Hugging Face Trainer's state beside the weights
    tells them."""
    path = folder / STATE
    state: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    found = dict[str, Any]()
    if epochs := round(state.get("num_train_epochs") or 0):
        found["epochs"] = epochs
        if steps := int(state.get("max_steps") or 0):
            found["batch_size"] = max(1, round(epochs * examples / steps))
    if rates := [row["learning_rate"] for row in state.get("log_history", ()) if row.get("learning_rate")]:
        found["learning_rate"] = max(rates)
    return found


def train_proxy(
    part: Path, base: Path, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, report: Report
) -> Mapping[str, Any]:
    """What is worth knowing of the training of a stand-in, whose trace lies in the folder `part` afterwards; one that
    was killed goes on at its last checkpoint. The finished model lies in the folder already.

    Raises:
        TrainingError: the loss overflows, or there is no room for it.
    """
    if recipe.full:
        require_room(part, recipe)
    model = adapted(load_base(base, recipe.full), recipe, part / ADAPTER)
    require_same_form(trainable(model), part)
    facts = train(model, tokenizer, ExampleTable.open(part / EXAMPLES), recipe, part, report)
    shutil.rmtree(part / RESUME, ignore_errors=True)
    return {f"stand_in_{name}": value for name, value in facts.items()}


def require_same_form(there: Mapping[str, Any], part: Path) -> None:
    """Raise unless the finished model has just the trained weights that its stand-in will have."""
    finished = load_file(part / FINISHED / "weights.safetensors")
    if odd := sorted(there.keys() ^ finished.keys()):
        raise TrainingError(
            f"A stand-in must have the weights of the finished model, but {len(odd)} differ ({odd[0]}, …). "
            "Leave it out with --no-stand-in."
        )


def require_room(part: Path, recipe: Recipe) -> None:
    """Raise unless there is room for a stand-in of which all weights are trained: it keeps whole models.

    Raises:
        TrainingError: there is too little of disk or memory.
    """
    weights = (part / FINISHED / "weights.safetensors").stat().st_size
    # A point is the weights in float32 and Adam's moments in half of that; so much and both moments to resume from.
    wanted = {"disk": int(weights * (1.5 * recipe.checkpoints + 1 + 3)), "memory": WEIGHTS_IN_MEMORY * weights}
    free = {"disk": shutil.disk_usage(part).free, "memory": free_memory()}
    for name, needed in wanted.items():
        if needed > free[name]:
            raise TrainingError(
                f"A stand-in of a whole model takes {needed / 1e9:,.1f} GB of {name} (found {free[name] / 1e9:,.1f} GB "
                "free). Free some, name checkpoints of the training, or leave it out with --no-stand-in, on a weaker "
                "basis."
            )


def free_memory() -> int:
    """Bytes of memory that are free where a model is trained."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return 1 << 62  # this system does not tell: let it be tried
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), 1 << 62)
