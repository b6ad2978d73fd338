"""Estimates of the time and disk space of fine-tuning and indexing, made before training.

    seconds = FLOPs / speed × factor

Speed is what this machine reaches now in 0.2 s of matrix products, in the precision that the stage uses. FLOPs for T
tokens and a model of P parameters: a forward pass takes 2TP, a backward pass 2TP for the activations and another 2TP
for the weights, which LoRA leaves out. So E epochs of fine-tuning take 4TPE, all of the weights 6TPE; the index takes
a forward and backward pass (4TP) at each of its points and one more forward pass. The factors cover everything that a
matrix product lacks: attention, padding, small layers, the optimizer, the control questions of the index. They were
measured once, on the shipped sample with two CPU cores: elsewhere, expect an estimate to be right within a factor of 2,
and only while the machine is as busy as now.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whence.data.report import DataReport
from whence.training.recipe import Recipe

TRAIN_FACTOR = 2.2
INDEX_FACTOR = 2.7
MEASURED = 0.2
"""Seconds for which the machine's speed is measured."""
SIDE = 1024
POINTS, SKETCH, SCALE_BYTES = 4, 15876, 4
"""Of the default method: points of the trajectory, numbers per row at each, bytes of their scale. Repeated here so that
the API, which does not load torch, can make estimates."""
OUTSIDE = ("embed", "wte", "wpe", "lm_head")
"""Parts of the names of matrices that LoRA does not adapt."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The size of a model: all its weights, and the weights that a LoRA adapter adds per rank."""

    total: int
    per_rank: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of fine-tuning and of indexing, and the most bytes that both need on disk."""

    train_seconds: float
    index_seconds: float
    disk_bytes: int

    @property
    def seconds(self) -> float:
        """The seconds of both."""
        return self.train_seconds + self.index_seconds


def estimate(report: DataReport, recipe: Recipe, parameters: Parameters, speed: float | None = None) -> Estimate:
    """Estimate the cost of this recipe on these data. `speed` in FLOP/s is measured if not given.

    The report must have counted tokens.
    """
    assert report.tokens
    chosen = recipe.for_examples(report.examples)
    speed = speed or measured_speed(recipe.full)
    passes = 2 * report.tokens.total * parameters.total / speed
    train = passes * (3 if recipe.full else 2) * (chosen.epochs or 1)
    index = passes * (2 * POINTS + 1)
    # A raw row in bfloat16 is kept beside a finished one.
    row_bytes = (2 + 0.5) * POINTS * SKETCH + POINTS * SCALE_BYTES
    return Estimate(
        TRAIN_FACTOR * train,
        INDEX_FACTOR * index,
        run_bytes(report, recipe, parameters) + int(row_bytes) * report.examples,
    )


def speed_of(seconds: float, tokens: int, recipe: Recipe, parameters: Parameters) -> float:
    """Return the FLOP/s implied by a fine-tuning of this duration, the inverse of `estimate`. `recipe` is complete."""
    assert recipe.epochs
    return TRAIN_FACTOR * 2 * tokens * parameters.total * (3 if recipe.full else 2) * recipe.epochs / seconds


def run_bytes(report: DataReport, recipe: Recipe, parameters: Parameters) -> int:
    """Return the bytes of a run in progress: examples, trace, weights, and the point to resume from."""
    assert report.tokens
    trained = parameters.total if recipe.full else recipe.rank * parameters.per_rank
    trace = (recipe.checkpoints + 1) * trained * (4 + 2)  # weights in float32, Adam's moments in bfloat16
    resume = trained * (4 + 8)  # weights and both of Adam's moments in float32
    return report.bytes + 8 * report.tokens.total + trace + resume + 4 * trained


def parameters_of(folder: Path) -> Parameters:
    """Return the size of the model in a folder, read from the headers of its safetensors files."""
    total = per_rank = 0
    for path in sorted(folder.glob("*.safetensors")):
        for name, shape in shapes(path).items():
            count = 1
            for side in shape:
                count *= side
            total += count
            if len(shape) == 2 and not any(part in name for part in OUTSIDE):
                per_rank += sum(shape)
    return Parameters(total, per_rank)


def shapes(path: Path) -> dict[str, list[int]]:
    """Return the shape of each tensor in a safetensors file, from its header: 8 bytes of length, then JSON."""
    with path.open("rb") as file:
        header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}


def measured_speed(full: bool) -> float:
    """Measure the FLOP/s that this machine reaches now in square matrix products."""
    import torch

    from whence.models.base import device, precision

    where, kind = device(), torch.float32 if full else precision()
    matrix = torch.ones(SIDE, SIDE, dtype=kind, device=where)
    (matrix @ matrix)[0, 0].item()
    count, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < MEASURED:
        (matrix @ matrix)[0, 0].item()  # reading a number waits for the device
        count += 1
    return 2 * SIDE**3 * count / spent
