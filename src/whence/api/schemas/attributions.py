"""A request for an attribution, and what it says."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import Field

from whence.api.schemas.base import Answer, Body
from whence.api.schemas.pairs import Level
from whence.errors import DataError
from whence.types import DISCOVERY_RATE, Attribution, AttributionRequest, GroupKind


class Selection(Body):
    """A part of an answer: its first character, counted from 0, and the one after its last."""

    start: int = Field(ge=0)
    end: int = Field(ge=1)


class NewAttribution(Body):
    """An answer to be explained; without `answer`, the model's own. What is left out is as the index has it."""

    model: str = Field(max_length=300, description="A deployment, or a promoted job, by its id.")
    question: str = Field(description="At least one character other than whitespace.")
    answer: str | None = None
    system_prompt: str | None = None
    method: str | None = Field(None, max_length=60, description="One that the model has an index of.")
    top_k: int | None = Field(None, ge=1, le=1000, description="How many pairs at most, of each sign.")
    false_discovery_rate: float | None = Field(
        None, gt=0, lt=1, description="The share of returned pairs that may be there by chance."
    )
    selection: Selection | None = Field(None, description="Explain this part of `answer` only.")
    groups: list[GroupKind] | None = Field(
        None, max_length=3, description="Groups of pairs to judge as well: of a file, copies, of a topic."
    )
    instead: str | None = Field(
        None, description="Explain why `answer` rather than this other answer to the question; without `selection`."
    )

    def request(self) -> AttributionRequest:
        """The request in the form that every door passes on.

        Raises:
            DataError: a part of an answer is selected, but no answer is given.
        """
        part = self.selection
        if part is not None and not self.answer:
            raise DataError("A selection is a part of an answer, but there is none. Give the answer, or no selection.")
        return AttributionRequest(
            self.question,
            self.answer or None,
            self.system_prompt or None,
            (part.start, part.end) if part else None,
            self.instead or None,
            tuple(self.groups or ()),
            self.method,
            self.top_k,
            self.false_discovery_rate or DISCOVERY_RATE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionAnswer(Attribution):
    """An answer and the training pairs that made it, the most influential first.

    `opposing` made it less likely; `groups` are the requested groups that stand out. With `instead`, lift and scores
    refer to what made the answer rather than that one. `phases` are in seconds.
    """

    id: str
    object: Literal["attribution"] = "attribution"
    created_at: datetime
    model: str
    job_id: str
    system_prompt: str | None = None
    sentence: str = field()  # pyright: ignore[reportIncompatibleMethodOverride] - as it was kept
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
    """A deleted attribution."""

    id: str
    object: Literal["attribution"] = "attribution"
    deleted: Literal[True] = True
