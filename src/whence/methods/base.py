"""What a method of attribution is: it builds an index of the training examples and scores queries against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from numpy import ndarray

from whence.errors import MethodError
from whence.gradients.trajectory import Trajectory
from whence.types import Example, Query, Report, Tokens
from whence.types import Unit as Unit


@runtime_checkable
class Examples(Protocol):
    """The training examples in order, with their tokens; they may lie on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Example: ...

    def tokens(self, index: int) -> Tokens:
        """The tokens of one example."""
        ...


@dataclass(frozen=True)
class Needs:
    """What a method asks of a run. `checkpoints`: "none" (text only), "last", or "all" (the recorded path)."""

    checkpoints: Literal["none", "last", "all"]


@dataclass(frozen=True)
class Compute:
    """How the work is cut up. None of it changes a result beyond rounding."""

    batch_rows: int = 8
    rows_per_shard: int = 1024
    padding: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class Subject:
    """What is explained: the training examples and the path of the model that learned from them."""

    examples: Examples
    path: Trajectory | None = None
    compute: Compute = Compute()

    @property
    def trajectory(self) -> Trajectory:
        """The model's path.

        Raises:
            MethodError: the subject was opened without its model.
        """
        if self.path is None:
            raise MethodError("This method needs the fine-tuned model, but the subject has none. Open the run with it.")
        return self.path


@runtime_checkable
class Method(Protocol):
    """One way to attribute. A method is a frozen dataclass: its fields are its configuration.

    `unit` says what a score means: "nats" are the contribution to the answer's log-probability.
    """

    name: str
    unit: Unit
    needs: Needs

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write the index of `subject` into `folder`, resuming what lies there; return facts for the manifest."""
        ...

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The score of every training example for every query; positive supports the query's answer."""
        ...

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """What a reader should know about scores of this subject: what was missing and what stood in."""
        ...
