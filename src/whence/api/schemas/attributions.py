"""A request for an attribution, and what it says."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from whence.api.schemas.base import Answer, Body
from whence.api.schemas.pairs import Level, Turn
from whence.types import GroupKind, TrajectoryKind, Unit


class Selection(Body):
    """A part of an answer: its first character, counted from 0, and the one after its last."""

    start: int = Field(ge=0)
    end: int = Field(ge=1)


class NewAttribution(Body):
    """An answer to be explained; without `answer`, the model's own. What is left out is as the index has it."""

    model: str = Field(max_length=300, description="A deployment, or a promoted job, by its id.")
    question: str = Field(description="At least one character that is no blank.")
    answer: str | None = None
    system_prompt: str | None = None
    method: str | None = Field(None, max_length=60, description="One that the model has an index of.")
    top_k: int | None = Field(None, ge=1, le=1000, description="How many pairs at most, of each sign.")
    false_discovery_rate: float | None = Field(
        None, gt=0, lt=1, description="The share of returned pairs that may be there by chance."
    )
    selection: Selection | None = Field(None, description="Explain this part of `answer` only.")
    groups: list[GroupKind] | None = Field(
        None, max_length=3, description="Sets of pairs to look at, too: those of a file, copies, those of a topic."
    )
    instead: str | None = Field(
        None, description="Explain why `answer` rather than this other answer to the question; without `selection`."
    )


class InfluenceAnswer(Answer):
    """A training pair's part in an answer. `score` is in the attribution's unit, `share` of what was learned."""

    id: str
    file_id: str
    file: str
    line: int
    influence_level: Level
    messages: str
    conversation: list[Turn]
    score: float
    share: float
    p_value: float
    rank: int


class MemberAnswer(Answer):
    """A pair in a set. `score` is its own."""

    id: str
    file_id: str
    file: str
    line: int
    score: float


class GroupAnswer(Answer):
    """The part that a set of pairs has in an answer. `score` is the sum over all `size` pairs; `members` are those of
    the largest score first, 100 at most. A negative score made the answer less likely."""

    kind: GroupKind
    name: str
    size: int
    influence_level: Level
    score: float
    share: float
    p_value: float
    rank: int
    members: list[MemberAnswer]


class TokenAnswer(Answer):
    """A token of a pair's answer, and its part of the pair's score."""

    text: str
    score: float


class TokenInfluenceAnswer(Answer):
    """Which tokens of a pair's answer carry its influence. `score` is the pair's own, the sum over its tokens."""

    id: str
    file_id: str
    file: str
    line: int
    method: str
    unit: Unit
    score: float
    tokens: list[TokenAnswer]


class LiftAnswer(Answer):
    """What fine-tuning contributed to the answer in nats: `total` = `fine_tuned` - `base`, and what was `needed`."""

    total: float
    fine_tuned: float
    base: float
    tokens: int
    needed: float


class FaithfulnessAnswer(Answer):
    """How well the method foretold retrainings of this model: mean LDS, its standard error, and how many of each."""

    lds: float
    standard_error: float
    retrainings: int
    questions: int


class TrustAnswer(Answer):
    """What the attribution rests on, and what it lacks. `recall`: how many pairs the index found, of how many asked.
    `provisional`: no retraining of this model was looked at. `trajectory`: where the points of the path come from."""

    method: str
    false_discovery_rate: float
    controls: int
    checkpoints: int
    trajectory: TrajectoryKind = "recorded"
    notes: list[str]
    provisional: bool
    recall: dict[str, int] | None
    faithfulness: FaithfulnessAnswer | None = None


class DistributionAnswer(Answer):
    """The scores of all pairs: `counts[i]` lie between `edges[i]` and `edges[i + 1]`; `null[i]` would be expected there
    if nothing had caused the answer."""

    edges: list[float]
    counts: list[int]
    null: list[float]
    unit: Unit


class AttributionAnswer(Answer):
    """An answer and the training pairs that made it, the most influential first.

    `opposing` made it less likely; `groups` are the sets of pairs that were asked for and stand out. With `instead`,
    lift and scores speak of what made the answer rather than that one. `phases` are seconds.
    """

    id: str
    object: Literal["attribution"] = "attribution"
    created_at: datetime
    model: str
    job_id: str
    version: Literal["v0"]
    question: str
    answer: str
    generated: bool
    selection: list[int] | None
    system_prompt: str | None
    results: list[InfluenceAnswer]
    opposing: list[InfluenceAnswer]
    groups: list[GroupAnswer] = Field(default_factory=list[GroupAnswer])
    instead: str | None = None
    method: str
    unit: Unit
    lift: LiftAnswer
    trust: TrustAnswer
    distribution: DistributionAnswer | None = None
    sentence: str
    phases: dict[str, float]


class AttributionRow(Answer):
    """An attribution in a list: `pairs` counts those it returned, `top_level` is the highest of theirs."""

    id: str
    created_at: datetime
    model: str
    job_id: str
    question: str
    answer: str
    generated: bool
    method: str
    sentence: str
    pairs: int
    lift_total: float
    top_level: Level | None


class AttributionList(Answer):
    """Attributions, the newest first. `total` counts all of them."""

    object: Literal["list"] = "list"
    data: list[AttributionRow]
    total: int
    limit: int
    offset: int


class AttributionDeleted(Answer):
    """An attribution that is gone."""

    id: str
    object: Literal["attribution"] = "attribution"
    deleted: Literal[True] = True
