"""Levels, lift, and how far to trust an attribution."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from whence.types.wire import Noun

TrajectoryKind = Literal["recorded", "checkpoints", "stand-in", "none"]
"""The source of the checkpoints at which scores are taken: recorded during the training, left over from it, those of
a proxy training (a recipe run again on the same pairs), or only the finished model."""


class Level(StrEnum):
    """The part of an answer that a pair explains; `IRRELEVANT` pairs are never returned."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    IRRELEVANT = "irrelevant"


ReturnedLevel = Literal[Level.HIGH, Level.MEDIUM, Level.LOW]


@dataclass(frozen=True, slots=True)
class Lift(Noun):
    """The contribution of fine-tuning to an answer, in nats (natural logarithms, summed over its tokens).

    `total` = log p(answer | question; fine-tuned) - log p(answer | question; base) = `fine_tuned` - `base`. `needed` is
    the least lift at which an answer counts as learned in fine-tuning (set by the control questions of the index).
    """

    total: float = field(init=False, default=0.0, repr=False, compare=False)
    fine_tuned: float
    base: float
    tokens: int
    needed: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", self.fine_tuned - self.base)

    @property
    def enough(self) -> bool:
        """True if fine-tuning contributed enough to be explained."""
        return self.total >= self.needed


@dataclass(frozen=True, slots=True)
class Recall(Noun):
    """The number of training pairs that an index `found` by their own words, out of those `asked`."""

    found: int
    asked: int

    def __iter__(self) -> Iterator[int]:
        """Both numbers, for unpacking."""
        return iter((self.found, self.asked))


@dataclass(frozen=True, slots=True)
class Faithfulness(Noun):
    """A method's agreement with retrainings of this model: its mean LDS, the standard error over questions and
    retrainings together, and the number of each."""

    lds: float
    standard_error: float
    retrainings: int
    questions: int


@dataclass(frozen=True, slots=True)
class Trust(Noun):
    """The basis of an attribution, and what it lacks.

    `recall` and `faithfulness` are None where they were not measured. `provisional`: no retraining of this model was
    looked at, and the thresholds of the levels come from other models. `trajectory`: the source of the checkpoints.
    """

    method: str
    false_discovery_rate: float
    controls: int
    checkpoints: int
    notes: tuple[str, ...] = ()
    provisional: bool = True
    recall: Recall | None = None
    faithfulness: Faithfulness | None = None
    trajectory: TrajectoryKind = "recorded"
