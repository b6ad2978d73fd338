"""Pairs of a data set, as the server lists them."""

from dataclasses import dataclass, field
from typing import Any

from whence.client.records import brief, record


@dataclass(frozen=True, slots=True, repr=False)
class Pair:
    """A training pair and where it stands. `messages` is its last exchange, as `Q: …` and `A: …`.

    Of a pair that recurs, `count` is the number of answers that rest on it, `level` the highest that it had in one, and
    `share` the mean of what it made of them.
    """

    id: str
    file_id: str | None = None
    file: str | None = None
    line: int | None = None
    question: str | None = None
    answer: str | None = None
    messages: str | None = None
    count: int | None = None
    level: str | None = None
    share: float | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "Pair":
        """A pair out of its JSON object."""
        return record(Pair, data)

    def __repr__(self) -> str:
        place = f"{self.file or self.file_id}:{self.line}" if self.line else None
        count = None if self.count is None else f"behind {self.count} answers"
        return brief(f"Pair {self.id[:8]}", place, count, repr(self.question or self.messages or ""))
