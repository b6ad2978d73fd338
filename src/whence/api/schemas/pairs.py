"""Pairs: one, one in its place in a file, and many."""

from typing import Any, Literal

from pydantic import Field

from whence.api.schemas.base import Answer

Level = Literal["high", "medium", "low"]


class Turn(Answer):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class PairTokens(Answer):
    """The length of a pair for its model: all tokens, and those of the answer, on which it was trained."""

    total: int
    answer: int


class PairAnswer(Answer):
    """A pair: assistant turn number `turn` of a line, with what leads up to it. A pre-tokenised one has no texts.

    `metadata` holds every other key of the line; it is empty where the file of a run's pair was deleted. `tokens` is
    null until a model was trained on the pair."""

    id: str
    file_id: str
    file: str
    line: int
    turn: int
    question: str
    answer: str
    messages: str
    conversation: list[Turn]
    metadata: dict[str, Any] = Field(default_factory=dict)
    tokens: PairTokens | None = None


class PairInPlace(PairAnswer):
    """A pair with those right before and after it in its file, in the file's order."""

    neighbours: list[PairAnswer]


class PairList(Answer):
    """Pairs in the order of the data. `total` counts all that were asked for."""

    object: Literal["list"] = "list"
    data: list[PairAnswer]
    total: int
    limit: int
    offset: int
