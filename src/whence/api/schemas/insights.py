"""Findings about a run's own data."""

from typing import Literal

from whence.api.schemas.base import Answer
from whence.api.schemas.pairs import PairAnswer


class SuspectAnswer(Answer):
    """A pair that looks wrong. `self_influence`: what it made of its own answer, in the unit of the index's method;
    `agreement`: the share of what its answer learned that all other pairs gave, below 0 where they took from it;
    `percentile`: the share of the pairs that are less suspicious. Null: not measured."""

    pair: PairAnswer
    self_influence: float | None
    percentile: float | None
    agreement: float | None
    reason: str


class CopiesOfPair(Answer):
    """Pairs that are the same but for case, blanks and punctuation."""

    pairs: list[PairAnswer]
    question: str


class ContradictionAnswer(CopiesOfPair):
    """Pairs that ask the same and answer otherwise."""

    reason: str


class TopicAnswer(Answer):
    """A topic of the data. `answered`: kept answers whose first source is one of its pairs."""

    name: str
    size: int
    files: list[str]
    answered: int


class UnsupportedAnswer(Answer):
    """An answer to which no pair is listed."""

    attribution_id: str
    question: str
    answer: str
    sentence: str
    lift: float
    needed: float


class MethodScore(Answer):
    """How well a method predicted retrainings."""

    name: str
    lds: float
    standard_error: float


class EvaluationBrief(Answer):
    """The last `whence evaluate` of the run; `html` is the path of its report."""

    report: str
    retrainings: int
    questions: int
    methods: list[MethodScore]
    html: str


class InsightsAnswer(Answer):
    """Findings about a run's data. Suspects, duplicates, contradictions and topics are empty until it is `ready`."""

    object: Literal["insights"] = "insights"
    job_id: str
    state: Literal["ready", "computing", "absent"]
    suspects: list[SuspectAnswer]
    duplicates: list[CopiesOfPair]
    topics: list[TopicAnswer]
    contradictions: list[ContradictionAnswer]
    unsupported: list[UnsupportedAnswer]
    evaluation: EvaluationBrief | None
