"""The parts that pairs, groups of pairs and single tokens have in an answer."""

from dataclasses import dataclass
from typing import Any, Literal

from whence.types.pairs import Message, exchange
from whence.types.trust import Level

Unit = Literal["nats", "similarity"]
"""What scores are measured in: log-likelihood, or a similarity that has no unit."""

GroupKind = Literal["file", "duplicates", "topic"]
"""How pairs belong together: by the file they stand in, as copies of each other, or by what they are about."""


@dataclass(frozen=True, slots=True)
class Influence:
    """One training example's part in an answer. `score` in the method's unit (nats where it says so)."""

    id: str
    file_id: str
    file: str
    line: int
    messages: tuple[Message, ...]
    level: Level
    score: float
    share: float
    p_value: float
    rank: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this influence. `influence_level` and `messages` follow the REST contract."""
        return {
            "id": self.id,
            "file_id": self.file_id,
            "file": self.file,
            "line": self.line,
            "influence_level": str(self.level),
            "messages": exchange(self.messages),
            "conversation": [m.to_dict() for m in self.messages],
            "score": self.score,
            "share": self.share,
            "p_value": self.p_value,
            "rank": self.rank,
        }


@dataclass(frozen=True, slots=True)
class Member:
    """A training pair in a group. `score` is its own, in the method's unit."""

    id: str
    file_id: str
    file: str
    line: int
    score: float

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this member."""
        return {"id": self.id, "file_id": self.file_id, "file": self.file, "line": self.line, "score": self.score}


@dataclass(frozen=True, slots=True)
class Group:
    """The part that a set of pairs has in an answer: `score` is the sum of the scores of all its `size` pairs.

    `members` are those of the largest score first, a hundred at most. A negative score opposes the answer.
    """

    kind: GroupKind
    name: str
    size: int
    members: tuple[Member, ...]
    level: Level
    score: float
    share: float
    p_value: float
    rank: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this group."""
        return {
            "kind": self.kind,
            "name": self.name,
            "size": self.size,
            "influence_level": str(self.level),
            "score": self.score,
            "share": self.share,
            "p_value": self.p_value,
            "rank": self.rank,
            "members": [member.to_dict() for member in self.members],
        }


@dataclass(frozen=True, slots=True)
class TokenScore:
    """One token of a training pair's answer, as it is written there, and its part of the pair's score."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class TokenInfluence:
    """Which tokens of a training pair's answer carry its influence on another answer.

    The scores of the tokens add up to `score`, the pair's own, up to rounding.
    """

    id: str
    file_id: str
    file: str
    line: int
    method: str
    unit: str
    tokens: tuple[TokenScore, ...]

    @property
    def score(self) -> float:
        """The score of the pair: the sum over its tokens."""
        return sum(token.score for token in self.tokens)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this influence."""
        return {
            "id": self.id,
            "file_id": self.file_id,
            "file": self.file,
            "line": self.line,
            "method": self.method,
            "unit": self.unit,
            "score": self.score,
            "tokens": [{"text": token.text, "score": token.score} for token in self.tokens],
        }

    def __str__(self) -> str:
        """A line for each token."""
        return "\n".join(f"{token.score:>9.2f}  {token.text!r}" for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the scores of all pairs are spread for one answer: `counts[i]` of them lie between `edges[i]` and
    `edges[i + 1]`, and `null[i]` would be expected there if nothing had caused the answer."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    null: tuple[float, ...]
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this distribution."""
        numbers = {"edges": list(self.edges), "counts": list(self.counts), "null": list(self.null)}
        return {**numbers, "unit": self.unit}
