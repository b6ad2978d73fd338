"""Requests to an engine: plain records that cross a socket as JSON."""

from dataclasses import dataclass
from typing import Any, Literal

from whence.types import AttributionRequest


@dataclass(frozen=True)
class LoadRequest:
    """A model to load: the base model or, with `run`, the one that was fine-tuned there."""

    run: str | None = None


@dataclass(frozen=True)
class ChatRequest:
    """A conversation to answer, by the base model or, with `run`, by the model that was fine-tuned there.

    `sampling` holds the settings of a `Sampling`; `messages` are pairs of role and content.
    """

    messages: tuple[tuple[str, str], ...]
    sampling: dict[str, Any]
    run: str | None = None


@dataclass(frozen=True)
class AttributeRequest:
    """An answer of a run's model to explain."""

    run: str
    request: AttributionRequest


@dataclass(frozen=True)
class TokensRequest:
    """A training pair, by its id, whose tokens' influence on an answer is asked for."""

    run: str
    request: AttributionRequest
    pair: str


@dataclass(frozen=True)
class ContextRequest:
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
class EmbedRequest:
    """Texts to turn into sentence vectors."""

    texts: tuple[str, ...]


EngineRequest = LoadRequest | ChatRequest | AttributeRequest | TokensRequest | ContextRequest | EmbedRequest
ROUTES: dict[type[EngineRequest], str] = {
    LoadRequest: "/load",
    ChatRequest: "/chat",
    AttributeRequest: "/attribute",
    TokensRequest: "/tokens",
    ContextRequest: "/context",
    EmbedRequest: "/embed",
}
