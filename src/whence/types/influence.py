"""The influence of pairs, groups of pairs and single tokens on an answer."""

from dataclasses import dataclass, field
from typing import Literal

from whence.types.pairs import Message, exchange
from whence.types.trust import ReturnedLevel
from whence.types.wire import Noun

Unit = Literal["nats", "similarity"]
"""The unit of scores: log-likelihood, or a similarity without unit."""
GroupKind = Literal["file", "duplicates", "topic"]
"""The kinds of groups of pairs: of one file, copies of each other, or of one topic."""


@dataclass(frozen=True, slots=True)
class Influence(Noun):
    """A training pair's influence on an answer. `score` is in the attribution's unit, `share` a part of what was
    learned. In JSON, `messages` is the last question and answer in one text, `conversation` has all turns."""

    id: str
    file_id: str
    file: str
    line: int
    messages: tuple[Message, ...] = field(metadata={"alias": "conversation"})
    level: ReturnedLevel = field(metadata={"alias": "influence_level"})
    score: float
    share: float
    p_value: float
    rank: int
    text: str = field(init=False, default="", repr=False, compare=False, metadata={"alias": "messages"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", exchange(self.messages))


@dataclass(frozen=True, slots=True)
class Member(Noun):
    """A training pair in a group. `score` is its own."""

    id: str
    file_id: str
    file: str
    line: int
    score: float


@dataclass(frozen=True, slots=True)
class Group(Noun):
    """The influence of a group of pairs on an answer: `score` is the sum over all its `size` pairs.

    `members` are the 100 pairs with the largest scores at most. A negative score made the answer less likely.
    """

    kind: GroupKind
    name: str
    size: int
    members: tuple[Member, ...]
    level: ReturnedLevel = field(metadata={"alias": "influence_level"})
    score: float
    share: float
    p_value: float
    rank: int


@dataclass(frozen=True, slots=True)
class TokenScore(Noun):
    """A token of a training pair's answer, as it is written there, and its part of the pair's score."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class TokenInfluence(Noun):
    """The influence of each token of a training pair's answer on another answer.

    `score` is the pair's own: the sum over its tokens, up to rounding.
    """

    id: str
    file_id: str
    file: str
    line: int
    method: str
    unit: Unit
    tokens: tuple[TokenScore, ...]
    score: float = field(init=False, default=0.0, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", sum(token.score for token in self.tokens))

    def __str__(self) -> str:
        """One line per token."""
        return "\n".join(f"{token.score:>9.2f}  {token.text!r}" for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Distribution(Noun):
    """The distribution of the scores of all pairs for one answer: `counts[i]` lie between `edges[i]` and
    `edges[i + 1]`; `null[i]` would be expected there if nothing had caused the answer."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    null: tuple[float, ...]
    unit: Unit
