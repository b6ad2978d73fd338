"""Proxy training, the stand-in for a training without a trace: the base model fine-tuned again on the same pairs.

The finished model still answers, and its lift is measured; only the trajectory is the stand-in's. The stand-in's
adapter has the form of the finished one but starts from other random factors, so that its points are compared only
with each other, each as a whole set of weights.
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
"""The settings of a stand-in before its model is known: a training elsewhere had no rehearsal."""
WEIGHTS_IN_MEMORY = 4
"""Copies of all weights in float32: the weights, their gradients, and both of Adam's moments."""


def proxy_recipe(finished: Path, full: bool, examples: int, given: Recipe = FREE) -> Recipe:
    """Return the complete recipe of the stand-in for a finished model.

    Rank, alpha, targets and dropout are the adapter's own. Settings that `given` leaves open come from the Trainer's
    state beside the weights, if there is one, else they are chosen for this number of examples.
    """
    recorded = left_by_trainer(finished, examples)
    open_ones = {name: value for name, value in recorded.items() if getattr(given, name) is None}
    chosen = replace(given, full=full, max_length=None, truncate=False, **open_ones)
    if not full:
        rank, alpha, targets, dropout = lora_form(finished)
        chosen = replace(chosen, rank=rank, alpha=alpha, targets=targets, dropout=dropout)
    return chosen.for_examples(examples)


def left_by_trainer(folder: Path, examples: int) -> dict[str, Any]:
    """Return epochs, batch size and highest learning rate, as far as a Hugging Face Trainer's state beside the weights
    records them."""
    path = folder / STATE
    state: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    recorded = dict[str, Any]()
    if epochs := round(state.get("num_train_epochs") or 0):
        recorded["epochs"] = epochs
        if steps := int(state.get("max_steps") or 0):
            recorded["batch_size"] = max(1, round(epochs * examples / steps))
    if rates := [row["learning_rate"] for row in state.get("log_history", ()) if row.get("learning_rate")]:
        recorded["learning_rate"] = max(rates)
    return recorded


def train_proxy(
    part: Path, base: Path, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, report: Report
) -> Mapping[str, Any]:
    """Train a stand-in, write its trace to the folder `part`, and return the facts.

    An interrupted training resumes at its last checkpoint. The folder already holds the finished model.

    Raises:
        TrainingError: the loss overflows, or there is too little disk space or memory.
    """
    if recipe.full:
        require_room(part, recipe)
    model = adapted(load_base(base, recipe.full), recipe, part / ADAPTER)
    require_same_form(trainable(model), part)
    facts = train(model, tokenizer, ExampleTable.open(part / EXAMPLES), recipe, part, report)
    shutil.rmtree(part / RESUME, ignore_errors=True)
    return {f"stand_in_{name}": value for name, value in facts.items()}


def require_same_form(parameters: Mapping[str, Any], part: Path) -> None:
    """Raise unless the finished model has exactly the trained weights that its stand-in will have."""
    finished = load_file(part / FINISHED / "weights.safetensors")
    if odd := sorted(parameters.keys() ^ finished.keys()):
        raise TrainingError(
            f"A stand-in must have the weights of the finished model, but {len(odd)} differ ({odd[0]}, …). "
            "Leave it out with --no-stand-in."
        )


def require_room(part: Path, recipe: Recipe) -> None:
    """Raise unless there is room for a stand-in with all weights trained, which stores whole models.

    Raises:
        TrainingError: there is too little disk space or memory.
    """
    weights = (part / FINISHED / "weights.safetensors").stat().st_size
    # Each point holds the weights in float32 and Adam's moments in half of that; the point to resume from holds both
    # moments in full.
    required = {"disk": int(weights * (1.5 * recipe.checkpoints + 1 + 3)), "memory": WEIGHTS_IN_MEMORY * weights}
    free = {"disk": shutil.disk_usage(part).free, "memory": free_memory()}
    for name, needed in required.items():
        if needed > free[name]:
            raise TrainingError(
                f"A stand-in for a whole model needs {needed / 1e9:,.1f} GB of {name} (found {free[name] / 1e9:,.1f} "
                "GB free). Free some, name checkpoints of the training, or leave the stand-in out with --no-stand-in; "
                "attribution then has a weaker basis."
            )


def free_memory() -> int:
    """Return the free memory, in bytes, of the device that models are trained on."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return 1 << 62  # unknown on this system: try it
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), 1 << 62)
