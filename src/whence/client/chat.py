"""Chat: a model's answers, whole or piece by piece."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, Unpack, overload

from whence.client.calls import Call, Streamed, given
from whence.client.records import brief, record
from whence.client.resource import AsyncTransport, Resource, Transport
from whence.client.streams import AsyncStream, Stream

ROOT = "/v1/chat/completions"
Messages = Sequence[Mapping[str, Any]]
"""Turns such as {"role": "user", "content": "…"}."""


class Sampling(TypedDict, total=False):
    """Sampling settings; the server chooses those left out. `stop` is one text or several."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    stop: str | Sequence[str] | None
    n: int | None
    seed: int | None
    logprobs: bool | None
    top_logprobs: int | None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A turn, or a piece of one."""

    role: str | None = None
    content: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. `finish_reason` is stop or length, None while it goes on; `message` is a piece in a stream."""

    message: ChatMessage
    index: int = 0
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def delta(self) -> ChatMessage:
        """The piece, by the name that OpenAI's clients give it."""
        return self.message

    @staticmethod
    def of(data: Any) -> "Choice":
        """A choice out of its JSON object."""
        turn = data.get("message") or data.get("delta") or {}
        rest = {name: value for name, value in data.items() if name not in ("message", "delta")}
        return record(Choice, rest, message=record(ChatMessage, turn))


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    extra: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, repr=False)
class ChatCompletion:
    """Answers, or one piece of a stream of them. `created` in seconds since 1970."""

    choices: tuple[Choice, ...]
    id: str | None = None
    created: int | None = None
    model: str | None = None
    usage: Usage | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "ChatCompletion":
        """A completion or a piece of one out of its JSON object."""
        choices = tuple(map(Choice.of, data["choices"]))
        usage = record(Usage, data["usage"]) if data.get("usage") else None
        return record(ChatCompletion, data, choices=choices, usage=usage)

    @property
    def text(self) -> str:
        """The text of the first answer ('' where this piece has none)."""
        return (self.choices[0].message.content or "") if self.choices else ""

    def __repr__(self) -> str:
        return brief(f"ChatCompletion {self.model}", repr(self.text))


def completion(model: str, messages: Messages, **sampling: Unpack[Sampling]) -> Call[ChatCompletion]:
    """The model's answer to a conversation."""
    return Call("POST", ROOT, ChatCompletion.of, body=_body(model, messages, False, sampling))


def pieces(model: str, messages: Messages, **sampling: Unpack[Sampling]) -> Streamed[ChatCompletion]:
    """The model's answer in pieces."""
    return Streamed.of("POST", ROOT, ChatCompletion.of, body=_body(model, messages, True, sampling))


def _body(model: str, messages: Messages, stream: bool, sampling: Sampling) -> dict[str, Any]:
    return {"model": model, "messages": [dict(turn) for turn in messages], "stream": stream, **given(**sampling)}


class Completions(Resource[Transport]):
    """`client.chat.completions`."""

    @overload
    def create(
        self, model: str, messages: Messages, *, stream: Literal[False] = False, **sampling: Unpack[Sampling]
    ) -> ChatCompletion: ...
    @overload
    def create(
        self, model: str, messages: Messages, *, stream: Literal[True], **sampling: Unpack[Sampling]
    ) -> Stream[ChatCompletion]: ...
    def create(
        self, model: str, messages: Messages, *, stream: bool = False, **sampling: Unpack[Sampling]
    ) -> ChatCompletion | Stream[ChatCompletion]:
        """The answer of a model (a deployment's id), or, with `stream`, its pieces as they arrive."""
        if stream:
            return self.transport.open(pieces(model, messages, **sampling))
        return self.transport.run(completion(model, messages, **sampling))


class AsyncCompletions(Resource[AsyncTransport]):
    """`client.chat.completions` of an `AsyncClient`."""

    @overload
    async def create(
        self, model: str, messages: Messages, *, stream: Literal[False] = False, **sampling: Unpack[Sampling]
    ) -> ChatCompletion: ...
    @overload
    async def create(
        self, model: str, messages: Messages, *, stream: Literal[True], **sampling: Unpack[Sampling]
    ) -> AsyncStream[ChatCompletion]: ...
    async def create(
        self, model: str, messages: Messages, *, stream: bool = False, **sampling: Unpack[Sampling]
    ) -> ChatCompletion | AsyncStream[ChatCompletion]:
        """The answer of a model (a deployment's id), or, with `stream`, its pieces as they arrive."""
        if stream:
            return await self.transport.open(pieces(model, messages, **sampling))
        return await self.transport.run(completion(model, messages, **sampling))


class Chat(Resource[Transport]):
    """`client.chat`."""

    @property
    def completions(self) -> Completions:
        """The chat completions."""
        return Completions(self.transport)


class AsyncChat(Resource[AsyncTransport]):
    """`client.chat` of an `AsyncClient`."""

    @property
    def completions(self) -> AsyncCompletions:
        """The chat completions."""
        return AsyncCompletions(self.transport)
