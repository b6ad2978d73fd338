"""What a process that holds a model is told, and what it says: plain records that cross a pipe or a socket as JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from whence.types import GroupKind

Stage = Literal["train", "index", "evaluate", "insights"]


@dataclass(frozen=True)
class StageOrder:
    """One stage of a job. `recipe` holds the settings of a `Recipe`; `run` is the folder of the run."""

    stage: Stage
    run: str
    data: tuple[str, ...] = ()
    base_model: str = ""
    recipe: dict[str, Any] = field(default_factory=dict[str, Any])
    method: str = "fisher"

    def to_dict(self) -> dict[str, Any]:
        """The order as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class Said:
    """One line of a stage's process: progress while it goes on, then facts, or what went wrong.

    `failure` is in words for a user; `kind` tells what can be done: "user" (mend the request), "disk" (make room),
    "fault" (none of the user's doing).
    """

    progress: dict[str, Any] | None = None
    facts: dict[str, Any] | None = None
    failure: str | None = None
    kind: Literal["user", "disk", "fault"] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The line as JSON has it."""
        return asdict(self)


@dataclass(frozen=True)
class ChatOrder:
    """A conversation to be answered, by the base model or, with `run`, by the model that was fine-tuned there.

    `sampling` holds the settings of a `Sampling`; `messages` are pairs of role and content.
    """

    messages: tuple[tuple[str, str], ...]
    sampling: dict[str, Any]
    run: str | None = None


@dataclass(frozen=True)
class AttributeOrder:
    """An answer to be explained (None: the model's own, of at most `max_new_tokens`)."""

    run: str
    question: str
    answer: str | None = None
    system_prompt: str | None = None
    method: str | None = None
    false_discovery_rate: float | None = None
    top: int | None = None
    selection: tuple[int, int] | None = None
    max_new_tokens: int = 128
    groups: tuple[GroupKind, ...] = ()
    instead: str | None = None


@dataclass(frozen=True)
class TokensOrder:
    """A training pair whose tokens' parts in an answer are asked for; `pair` is its id."""

    run: str
    question: str
    answer: str
    pair: str
    system_prompt: str | None = None
    method: str | None = None
    selection: tuple[int, int] | None = None
    instead: str | None = None


@dataclass(frozen=True)
class ContextOrder:
    """A response whose parts are to be traced to parts of its context."""

    context: str
    query: str
    response: str
    highlight: str | None = None
    granularity: Literal["sentence", "paragraph"] = "sentence"
    top_k: int = 5
    ablations: int | None = None
    run: str | None = None


@dataclass(frozen=True)
class EmbedOrder:
    """Texts to be turned into sentence vectors."""

    texts: tuple[str, ...]
