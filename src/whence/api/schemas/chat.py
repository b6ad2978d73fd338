"""A conversation to be answered, in the words that SeekrFlow's and OpenAI's clients share."""

from typing import Any, Literal

from pydantic import Field

from whence.api.schemas.base import Answer, Body
from whence.errors import DataError

UNSUPPORTED = {
    "tools": "tools",
    "functions": "functions",
    "response_format": "response_format other than text",
    "safety_model": "safety_model",
    "logit_bias": "logit_bias",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "audio": "audio",
    "prediction": "prediction",
}


class ChatMessage(Body):
    """One turn. `content` may be a list of text parts."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """The turn's text.

        Raises:
            DataError: it holds something other than text.
        """
        if not isinstance(self.content, list):
            return self.content or ""
        for part in self.content:
            if part.get("type") != "text" or not isinstance(part.get("text"), str):
                raise DataError(
                    f"Only text can be read (found a part of type {str(part.get('type'))[:40]!r}). Leave it out."
                )
        return "".join(part["text"] for part in self.content)


class StreamOptions(Body):
    """Options of a stream."""

    include_usage: bool | None = None


class ChatRequest(Body):
    """A conversation to be answered. `None` means the default of the dialect."""

    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    model: str
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: str | list[str] | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=-1)
    repetition_penalty: float | None = Field(None, gt=0, le=10)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    echo: bool | None = None
    n: int | None = Field(None, ge=1, le=16)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)

    def conversation(self) -> list[tuple[str, str]]:
        """The turns as roles and texts.

        Raises:
            DataError: there is nothing to answer.
        """
        turns = [("system" if m.role == "developer" else m.role, m.text) for m in self.messages]
        if turns[-1][0] == "assistant":
            raise DataError("The last message must be the user's (found the assistant's). Add a question.")
        if not any(role == "user" and text.strip() for role, text in turns):
            raise DataError("A conversation needs a user's message with text. Add a question.")
        return turns

    def sampling(self, temperature: float, longest: int) -> dict[str, Any]:
        """The sampling settings for an engine; `temperature` and `longest` are the dialect's defaults.

        Raises:
            DataError: something is asked for that cannot be done.
        """
        self._require_supported()
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return {
            "max_new_tokens": self.max_completion_tokens or self.max_tokens or longest,
            "temperature": temperature if self.temperature is None else self.temperature,
            "top_p": self.top_p or 1.0,
            "top_k": self.top_k if self.top_k and self.top_k > 0 else None,
            "repetition_penalty": self.repetition_penalty or 1.0,
            "stop": stop,
            "seed": self.seed,
            "top_logprobs": (self.top_logprobs or 0) if self.logprobs else 0,
        }

    def _require_supported(self) -> None:
        extras = self.model_extra or {}
        for name, words in UNSUPPORTED.items():
            value = extras.get(name)
            if value and not (name == "response_format" and value == {"type": "text"}):
                raise DataError(f"{words} is not supported. Leave it out.")


class Chat(Answer):
    """An answered conversation."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]
