"""The protocol of attribution methods: build an index of the training examples, score queries against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from numpy import ndarray

from whence.gradients.subject import Subject as Subject
from whence.types import Query, Report
from whence.types import Unit as Unit


@dataclass(frozen=True)
class Needs:
    """The checkpoints that a method needs: "none" (text only), "last", or "all" (the recorded trajectory)."""

    checkpoints: Literal["none", "last", "all"]


@runtime_checkable
class Method(Protocol):
    """A method of attribution: a frozen dataclass, whose fields are its settings.

    `unit` is the unit of its scores: "nats" are the contribution to the answer's log-probability.
    """

    name: str
    unit: Unit
    needs: Needs

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write the index of `subject` into `folder`, resuming an unfinished one; return facts for the manifest."""
        ...

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The score of every training example for every query; positive supports the query's answer."""
        ...

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """Sentences that a reader of the scores should know: data that the run lacks, and what was used instead."""
        ...
