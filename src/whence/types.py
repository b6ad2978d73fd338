"""The nouns that every room shares. Plain frozen dataclasses: no arrays, no files, no torch."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from whence.errors import DataError

Role = Literal["system", "user", "assistant"]
GroupKind = Literal["file", "duplicates", "topic"]
"""How pairs belong together: by the file they stand in, as copies of each other, or by what they are about."""
TrajectoryKind = Literal["recorded", "checkpoints", "stand-in", "none"]
"""Where the points come from that scores are taken at: recorded in the training, checkpoints that were left of it,
those of a stand-in (a recipe run again on the same pairs), or none but the finished model."""


class Level(StrEnum):
    """How much of an answer a pair explains; `IRRELEVANT` pairs are never returned."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    IRRELEVANT = "irrelevant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


def exchange(messages: Sequence[Message]) -> str:
    """The last question and answer in one text, `Q: …`, newline, `A: …`: the form of the REST contract."""
    last = [m for m in messages if m.role != "system"][-2:]
    return "\n".join(f"{'A' if m.role == 'assistant' else 'Q'}: {m.content}" for m in last)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised conversation: `labels[t]` is `input_ids[t]` where token t carries loss, else -100."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def answer_length(self) -> int:
        """Number of tokens that carry loss (the first token never does: nothing precedes it)."""
        return sum(label != -100 for label in self.labels[1:])


@dataclass(frozen=True, slots=True)
class Example:
    """One assistant turn of the training data, with the conversation that leads up to it.

    `line` is 1-based. `turn` counts the assistant turns of that line from 0. A pre-tokenised row has no
    messages and brings `tokens`; any other row is tokenised by the base model's chat template.
    """

    id: str
    file_id: str
    file: str
    line: int
    turn: int
    messages: tuple[Message, ...]
    tokens: Tokens | None = None

    @property
    def question(self) -> str:
        """The last user message before the answer ('' where there is none)."""
        return next((m.content for m in reversed(self.messages[:-1]) if m.role == "user"), "")

    @property
    def answer(self) -> str:
        """The assistant's text of this turn ('' for a pre-tokenised row)."""
        return self.messages[-1].content if self.messages else ""


@dataclass(frozen=True, slots=True)
class Query:
    """A question and the answer to be explained: the conversation, ending in the assistant's answer.

    `ended` is False for an answer that was cut off: then no end-of-turn token is part of what is explained.
    `selected` is the part of the answer that is explained, by characters, half open (None: the whole answer).
    """

    id: str
    messages: tuple[Message, ...]
    tokens: Tokens | None = None
    ended: bool = True
    selected: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.selected is None:
            return
        (start, end), length = self.selected, 0 if self.tokens else len(self.answer)
        if not 0 <= start < end <= length:
            raise DataError(
                f"A selection must hold at least one of the answer's {length} characters and none beyond them "
                f"(found {start} to {end}). Give its first character, counted from 0, and the one after its last."
            )

    @property
    def question(self) -> str:
        """The last user message before the answer ('' where there is none)."""
        return next((m.content for m in reversed(self.messages[:-1]) if m.role == "user"), "")

    @property
    def answer(self) -> str:
        """The assistant's text ('' for a pre-tokenised row)."""
        return self.messages[-1].content if self.messages else ""

    @property
    def explained(self) -> str:
        """The text that is explained: the answer, or the selected part of it."""
        return self.answer[slice(*self.selected)] if self.selected else self.answer

    @staticmethod
    def of(
        question: str,
        answer: str,
        system_prompt: str | None = None,
        id: str = "query",
        ended: bool = True,
        selected: tuple[int, int] | None = None,
    ) -> "Query":
        """A query made of plain texts."""
        system = (Message("system", system_prompt),) if system_prompt else ()
        turns = (*system, Message("user", question), Message("assistant", answer))
        return Query(id, turns, ended=ended, selected=selected)


@dataclass(frozen=True, slots=True)
class Lift:
    """What fine-tuning contributed to an answer, in nats (natural logarithms, summed over its tokens).

    `total` = log p(answer | question; fine-tuned) - log p(answer | question; base). `needed` is the least
    lift at which an answer counts as learned in fine-tuning (set by the control questions of the index).
    """

    fine_tuned: float
    base: float
    tokens: int
    needed: float

    @property
    def total(self) -> float:
        """The lift in nats."""
        return self.fine_tuned - self.base

    @property
    def enough(self) -> bool:
        """Whether fine-tuning contributed anything that is worth explaining."""
        return self.total >= self.needed


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """How well a method foretold this model's own retrainings: its mean LDS, the standard error over questions and
    retrainings together, and how many there were of each."""

    lds: float
    standard_error: float
    retrainings: int
    questions: int


@dataclass(frozen=True, slots=True)
class Trust:
    """How far to trust an attribution: what it rests on and what it lacks, in words.

    `recall` says how many training pairs the index found by their own words, and of how many; `faithfulness` how well
    the method foretold retraining (each None where it was not measured). `provisional`: no retraining of this model
    was looked at, and the cut points of the levels are those of others. `trajectory`: where the run's points come from.
    """

    method: str
    false_discovery_rate: float
    controls: int
    checkpoints: int
    notes: tuple[str, ...] = ()
    provisional: bool = True
    recall: tuple[int, int] | None = None
    faithfulness: Faithfulness | None = None
    trajectory: TrajectoryKind = "recorded"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this trust."""
        return {
            "method": self.method,
            "false_discovery_rate": self.false_discovery_rate,
            "controls": self.controls,
            "checkpoints": self.checkpoints,
            "trajectory": self.trajectory,
            "notes": list(self.notes),
            "provisional": self.provisional,
            "recall": dict(zip(("found", "asked"), self.recall, strict=True)) if self.recall else None,
            "faithfulness": asdict(self.faithfulness) if self.faithfulness else None,
        }


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
            "conversation": [{"role": m.role, "content": m.content} for m in self.messages],
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


Shown = Callable[["Attribution"], dict[str, Any]]
"""What notebooks show of an attribution, by kind of medium."""
_shown: list[Shown] = []


def show_by(shown: Shown) -> None:
    """None; notebooks show attributions by `shown` from now on. What draws them lies above this room, so it has to be
    told, and is when `whence` is imported."""
    _shown[:] = [shown]


@dataclass(frozen=True, slots=True)
class Attribution:
    """An answer and the training examples that made it, most influential first.

    `results` holds the supporting pairs that stand out from the null at the stated false-discovery rate;
    `opposing` those that made the answer less likely. `unit` is "nats" or "similarity". `selection` is the part of the
    answer that lift and scores speak of, by characters, half open (None: all of it). `groups` are the sets of pairs
    that were asked for and stand out, kind by kind. With `instead`, another answer to the question, lift and scores
    speak of what made this answer rather than that one. `distribution` is that of the scores of all pairs.
    """

    question: str
    answer: str
    results: tuple[Influence, ...]
    opposing: tuple[Influence, ...]
    lift: Lift
    method: str
    unit: str
    trust: Trust
    generated: bool = True
    version: str = "v0"
    selection: tuple[int, int] | None = None
    groups: tuple[Group, ...] = ()
    instead: str | None = None
    distribution: Distribution | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON that every door returns."""
        return {
            "version": self.version,
            "question": self.question,
            "answer": self.answer,
            "generated": self.generated,
            "selection": list(self.selection) if self.selection else None,
            "instead": self.instead,
            "results": [r.to_dict() for r in self.results],
            "opposing": [r.to_dict() for r in self.opposing],
            "groups": [group.to_dict() for group in self.groups],
            "method": self.method,
            "unit": self.unit,
            "lift": {
                "total": self.lift.total,
                "fine_tuned": self.lift.fine_tuned,
                "base": self.lift.base,
                "tokens": self.lift.tokens,
                "needed": self.lift.needed,
            },
            "trust": self.trust.to_dict(),
            "distribution": self.distribution.to_dict() if self.distribution else None,
        }

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The attribution as a notebook shows it: as a widget where it can be one, as HTML and as text."""
        return _shown[0](self) if _shown else {"text/plain": str(self)}

    def _repr_html_(self) -> str | None:
        """The attribution as HTML, for viewers that ask for nothing else."""
        return self._repr_mimebundle_().get("text/html")

    @property
    def sentence(self) -> str:
        """One plain sentence for a person who does not read numbers."""
        if self.instead is not None:
            return self._preference
        if self.lift.total < 1:
            return "Fine-tuning contributed nothing to this answer: the base model gives it by itself."
        if not self.lift.enough:
            return "Fine-tuning contributed nothing particular to this answer: unrelated ones moved as much."
        if not self.results:
            return "No training pair stands out: this answer was learned from the data as a whole."
        return f"This answer was learned mainly from {self._sources}."

    @property
    def _preference(self) -> str:
        if self.lift.total < 1:
            return "Fine-tuning did not make this answer likelier than the other one."
        if not self.lift.enough:
            return "Fine-tuning favours this answer no more than it favours one unrelated answer over another."
        if not self.results:
            return "No training pair stands out: the data as a whole favour this answer over the other one."
        return f"That the model says this rather than the other was learned mainly from {self._sources}."

    @property
    def _sources(self) -> str:
        first, more = self.results[0], len(self.results) - 1
        others = f" and {more} other pair{'s' if more > 1 else ''}" if more else ""
        return f"{first.file}:{first.line}{others}"

    def __str__(self) -> str:
        """A table for the terminal."""
        rows = [f"{self.answer}", "", self.sentence]
        for r in self.results:
            source = f"{r.file}:{r.line}"
            text = " ".join(r.messages[-1].content.split()) if r.messages else r.id
            rows.append(f"{r.level:<7}{r.score:>9.2f}{r.share:>7.0%}  {source}  {text}")
        for g in self.groups:
            rows.append(f"{g.level:<7}{g.score:>9.2f}{g.share:>7.0%}  {g.kind} {g.name} ({g.size} pairs)")
        return "\n".join(rows)


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward of something long: `done` of `total` `unit`s of `step` are finished."""

    step: str
    done: int
    total: int
    unit: str
    detail: dict[str, float] = field(default_factory=dict[str, float])


Report = Callable[[Progress], None]
"""Where a long stage reports to; the terminal, an event stream and a page each render it."""


def silent(progress: Progress) -> None:
    """A `Report` that tells nobody."""
