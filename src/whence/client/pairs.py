"""Pairs of a data set, as the server lists them."""

from dataclasses import dataclass, field
from typing import Any

from whence.client.records import brief, record


@dataclass(frozen=True, slots=True, repr=False)
class Pair:
    """A training pair and where it stands. `messages` is its last exchange, as `Q: …` and `A: …`.

    `extra` holds what else the server says of it: the counts of a list of recurring pairs, for one.
    """

    id: str
    file_id: str | None = None
    file: str | None = None
    line: int | None = None
    question: str | None = None
    answer: str | None = None
    messages: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "Pair":
        """A pair out of its JSON object."""
        return record(Pair, data)

    def __repr__(self) -> str:
        place = f"{self.file or self.file_id}:{self.line}" if self.line else None
        return brief(f"Pair {self.id[:8]}", place, repr(self.question or self.messages or ""))
