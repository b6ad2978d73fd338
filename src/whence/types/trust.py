"""How far an attribution may be trusted, and what it explains at all: levels, lift, faithfulness."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

TrajectoryKind = Literal["recorded", "checkpoints", "stand-in", "none"]
"""Where the points come from that scores are taken at: recorded in the training, checkpoints that were left of it,
those of a stand-in (a recipe run again on the same pairs), or none but the finished model."""


class Level(StrEnum):
    """How much of an answer a pair explains; `IRRELEVANT` pairs are never returned."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    IRRELEVANT = "irrelevant"


@dataclass(frozen=True, slots=True)
class Lift:
    """What fine-tuning contributed to an answer, in nats (natural logarithms, summed over its tokens).

    `total` = log p(answer | question; fine-tuned) - log p(answer | question; base). `needed` is the least
    lift at which an answer counts as learned in fine-tuning (set by the control questions of the index).
    """

    fine_tuned: float
    base: float
    tokens: int
    needed: float

    @property
    def total(self) -> float:
        """The lift in nats."""
        return self.fine_tuned - self.base

    @property
    def enough(self) -> bool:
        """Whether fine-tuning contributed anything that is worth explaining."""
        return self.total >= self.needed


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """How well a method foretold this model's own retrainings: its mean LDS, the standard error over questions and
    retrainings together, and how many there were of each."""

    lds: float
    standard_error: float
    retrainings: int
    questions: int


@dataclass(frozen=True, slots=True)
class Trust:
    """How far to trust an attribution: what it rests on and what it lacks, in words.

    `recall` says how many training pairs the index found by their own words, and of how many; `faithfulness` how well
    the method foretold retraining (each None where it was not measured). `provisional`: no retraining of this model
    was looked at, and the cut points of the levels are those of others. `trajectory`: where the run's points come from.
    """

    method: str
    false_discovery_rate: float
    controls: int
    checkpoints: int
    notes: tuple[str, ...] = ()
    provisional: bool = True
    recall: tuple[int, int] | None = None
    faithfulness: Faithfulness | None = None
    trajectory: TrajectoryKind = "recorded"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this trust."""
        return {
            "method": self.method,
            "false_discovery_rate": self.false_discovery_rate,
            "controls": self.controls,
            "checkpoints": self.checkpoints,
            "trajectory": self.trajectory,
            "notes": list(self.notes),
            "provisional": self.provisional,
            "recall": dict(zip(("found", "asked"), self.recall, strict=True)) if self.recall else None,
            "faithfulness": asdict(self.faithfulness) if self.faithfulness else None,
        }
