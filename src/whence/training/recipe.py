"""How a model is fine-tuned: one frozen configuration, whose open settings adapt to the data."""

import math
from dataclasses import dataclass, replace

from whence.errors import TrainingError

PASSES = 750
"""Example passes that a small data set gets in all: enough to learn it by heart."""
EPOCHS = (3, 20)
SMALL = 1000
"""Examples up to which a data set is small: it is learned in few steps, so each step is larger."""
SMOOTH_RATE, SMOOTH_WARMUP = 5e-4, 0.25
"""Highest learning rate and share of warmup of a smooth training. Measured with LoRA of rank 8 on all linear layers of
a 26 M-parameter chat model, 16 pairs, 12 steps: for two training pairs as queries and three removals of two pairs each,
what the exact derivative foretold correlates 0.99 with what replays gave, and -0.64 at 2e-3 with a warmup of 0.06. The
order is foretold, the size is not: of a learned pair's own removal the derivative tells too little."""


@dataclass(frozen=True)
class Recipe:
    """Everything that shapes a fine-tuning run besides the data and the base model.

    `epochs`, `batch_size` and `learning_rate` may be None, which `for_examples` fills in. `checkpoints` is how many
    points of the path are recorded after the start. `rank`, `alpha`, `targets`, `dropout` are LoRA's and unused with
    `full`; targets are "mlp", "all-linear" or names of layers: facts are learned in the feed-forward layers, and
    adapting those alone took less time for the same loss; dropout is the share of the adapter's inputs that a training
    step leaves out.
    `rehearsal` is how many general questions each batch repeats with the base model's own answers, so that the model
    keeps answering what the data say nothing about as it did (0: none).
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
                object.__setattr__(self, name, float(given))  # 32 and 32.0 are one recipe, of one run
        for name in ("epochs", "batch_size", "learning_rate", "rank", "alpha", "checkpoints"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise TrainingError(f"{name} must be greater than 0, not {value}. Leave it out to have it chosen.")
        if not 0 <= self.dropout < 1:
            raise TrainingError(f"dropout must be at least 0 and below 1, not {self.dropout}. Try 0.05.")

    def for_examples(self, count: int) -> "Recipe":
        """The recipe with every open setting chosen for `count` examples."""
        epochs = self.epochs or min(max(math.ceil(PASSES / count), EPOCHS[0]), EPOCHS[1])
        batch = self.batch_size or (8 if count <= 2000 else 16)
        rate = self.learning_rate or (5e-5 if self.full else 2e-3 if count <= SMALL else 1e-3)
        return replace(self, epochs=epochs, batch_size=batch, learning_rate=rate)

    def smooth(self) -> "Recipe":
        """The recipe with small steps and a slow start, for a training that can be differentiated as a whole.

        A learning rate that was given stays, and so does a longer warmup. Adam's first steps have about the length of
        the learning rate whatever the gradient, and turn with its sign: the slower they are, the less they turn.
        """
        if self.full or self.dropout:
            raise TrainingError(
                "A smooth recipe is for LoRA without dropout, which is all that can be differentiated as a whole. "
                "Leave out full and dropout, or smooth."
            )
        rate, warmup = self.learning_rate or SMOOTH_RATE, max(self.warmup, SMOOTH_WARMUP)
        return replace(self, learning_rate=rate, warmup=warmup)

    def steps(self, count: int) -> int:
        """Optimizer steps for `count` examples. The recipe must be complete."""
        assert self.epochs
        assert self.batch_size
        return self.epochs * math.ceil(count / self.batch_size)
