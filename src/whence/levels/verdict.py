"""What an index says of an answer: what fine-tuning contributed to it, and which rows stand out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from numpy import ndarray

from whence.levels.judge import Cuts, Judgement, judge
from whence.levels.lift import lifts_of
from whence.levels.null import Null
from whence.methods.base import Method, Subject
from whence.types import Lift, Query

DISCOVERY_RATE = 0.02


@dataclass(frozen=True)
class Evidence:
    """A finished index as judging sees it: a method with its rows in `folder`, and what scores without a cause are."""

    subject: Subject
    method: Method
    folder: Path
    null: Null


@dataclass(frozen=True)
class Verdict:
    """The rows that support and that oppose an answer, the largest first; none where its lift is not enough."""

    query: Query
    lift: Lift
    supporting: Sequence[Judgement] = ()
    opposing: Sequence[Judgement] = ()


def verdicts(evidence: Evidence, asked: Sequence[Query], rate: float = DISCOVERY_RATE) -> list[Verdict]:
    """The verdict on each query's answer, at false-discovery rate `rate`.

    Raises:
        MethodError: an answer is empty.
    """
    lifts = lifts_of(evidence.subject, asked, evidence.null)
    scores = evidence.method.score(evidence.subject, evidence.folder, asked)
    return [_verdict(evidence, query, lift, row, rate) for query, lift, row in zip(asked, lifts, scores, strict=True)]


def _verdict(evidence: Evidence, query: Query, lift: Lift, scores: Float[ndarray, " train"], rate: float) -> Verdict:
    if not lift.enough:
        return Verdict(query, lift)
    whole = max(lift.total, float(scores.sum())) if evidence.method.unit == "nats" else None
    return Verdict(query, lift, *judge(scores, evidence.null, whole, rate, Cuts()))
