"""Pairs across attributions: recurring pairs, and the answers in which a pair was returned."""

from typing import Literal

from whence.api.schemas.attributions import AttributionRow
from whence.api.schemas.base import Answer
from whence.api.schemas.pairs import Level


class RecurringPair(Answer):
    """A pair that `count` answers rest on. `level` is the highest it had in one, `share` the mean over them."""

    id: str
    file_id: str
    file: str
    line: int
    messages: str
    count: int
    share: float
    level: Level


class RecurringPairs(Answer):
    """Recurring pairs, the most frequent first. `total` counts all of them."""

    object: Literal["list"] = "list"
    data: list[RecurringPair]
    total: int
    limit: int
    offset: int


class PairInAnswer(AttributionRow):
    """An attribution that returned a pair, and the part that the pair had: among `results`, or among `opposing`."""

    level: Level
    score: float
    share: float
    rank: int
    side: Literal["supporting", "opposing"]


class PairAnswers(Answer):
    """Attributions that returned a pair, the newest first. `total` counts all of them."""

    object: Literal["list"] = "list"
    data: list[PairInAnswer]
    total: int
    limit: int
    offset: int
