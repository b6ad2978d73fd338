"""Requests to an engine: plain records that cross a socket as JSON."""

from dataclasses import dataclass
from typing import Any, Literal

from whence.types import ANSWER_TOKENS, GroupKind


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
    max_new_tokens: int = ANSWER_TOKENS
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
