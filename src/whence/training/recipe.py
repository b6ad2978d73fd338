"""The configuration of a fine-tuning; settings that are left open adapt to the data."""

import math
from dataclasses import dataclass, replace

from whence.errors import TrainingError

PASSES = 750
"""Total example passes over a small data set: enough to memorise it."""
EPOCHS = (3, 20)
SMALL = 1000
"""The most examples of a small data set, which is trained in few steps, so each step is larger."""
SMOOTH_RATE, SMOOTH_WARMUP = 5e-4, 0.25
"""Highest learning rate and warmup share of a smooth training. Measured with LoRA of rank 8 on all linear layers of
a 26 M-parameter chat model, 16 pairs, 12 steps: for two training pairs as queries and three removals of two pairs each,
the prediction of the exact derivative correlates 0.99 with the result of replays, and -0.64 at 2e-3 with a warmup of
0.06. The order is predicted, the size is not: the derivative underestimates the effect of removing a learned pair."""


@dataclass(frozen=True)
class Recipe:
    """All settings of a fine-tuning run besides the data and the base model.

    `epochs`, `batch_size` and `learning_rate` may be None; `for_examples` fills them in. `checkpoints` is the number of
    recorded points of the trajectory after its start. `rank`, `alpha`, `targets` and `dropout` are LoRA's and unused
    with `full`; targets are "mlp", "all-linear" or names of layers: facts are learned in the feed-forward layers, and
    adapting only those took less time for the same loss; dropout is the share of the adapter's inputs that a training
    step drops. `rehearsal` is the number of general questions that each batch repeats with the base model's own
    answers, so that the model's other answers change little (0: none).
    """

    full: bool = False
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    warmup: float = 0.06
    rank: int = 16
    alpha: float = 32.0
    targets: str | tuple[str, ...] = "mlp"
    dropout: float = 0.0
    max_length: int | None = None
    truncate: bool = False
    checkpoints: int = 6
    rehearsal: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "warmup", "alpha", "dropout"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, float(given))  # 32 and 32.0 are the same recipe
        for name in ("epochs", "batch_size", "learning_rate", "rank", "alpha", "checkpoints"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise TrainingError(f"{name} must be greater than 0, not {value}. Leave it out to have it chosen.")
        if not 0 <= self.dropout < 1:
            raise TrainingError(f"dropout must be at least 0 and below 1, not {self.dropout}. Try 0.05.")

    def for_examples(self, count: int) -> "Recipe":
        """Return the recipe with every open setting chosen for `count` examples."""
        epochs = self.epochs or min(max(math.ceil(PASSES / count), EPOCHS[0]), EPOCHS[1])
        batch = self.batch_size or (8 if count <= 2000 else 16)
        rate = self.learning_rate or (5e-5 if self.full else 2e-3 if count <= SMALL else 1e-3)
        return replace(self, epochs=epochs, batch_size=batch, learning_rate=rate)

    def smooth(self) -> "Recipe":
        """Return the recipe with small steps and a slow start, for a training that can be differentiated as a whole.

        A given learning rate is kept, as is a longer warmup. Adam's first steps have about the length of the learning
        rate, independent of the gradient, and flip with its sign: the smaller they are, the smoother the training.
        """
        if self.full or self.dropout:
            raise TrainingError(
                "A smooth recipe needs LoRA without dropout: no other training can be differentiated as a whole. "
                "Leave out full and dropout, or smooth."
            )
        rate, warmup = self.learning_rate or SMOOTH_RATE, max(self.warmup, SMOOTH_WARMUP)
        return replace(self, learning_rate=rate, warmup=warmup)

    def steps(self, count: int) -> int:
        """Return the number of optimizer steps for `count` examples. The recipe must be complete."""
        assert self.epochs
        assert self.batch_size
        return self.epochs * math.ceil(count / self.batch_size)
