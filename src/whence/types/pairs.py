"""Training pairs and questions: messages, tokens, examples, queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from whence.errors import DataError
from whence.types.wire import Noun

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message(Noun):
    """One turn of a conversation."""

    role: Role
    content: str


def exchange(messages: Sequence[Message]) -> str:
    """The last question and answer as one text, `Q: …`, newline, `A: …`: the form of the REST contract."""
    last = [m for m in messages if m.role != "system"][-2:]
    return "\n".join(f"{'A' if m.role == 'assistant' else 'Q'}: {m.content}" for m in last)


def _question(messages: Sequence[Message]) -> str:
    return next((m.content for m in reversed(messages[:-1]) if m.role == "user"), "")


def _answer(messages: Sequence[Message]) -> str:
    return messages[-1].content if messages else ""


NO_LOSS = -100
"""The label of a token that carries no loss."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised conversation: `labels[t]` is `input_ids[t]` where token t carries loss, else `NO_LOSS`."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def answer_length(self) -> int:
        """The number of tokens that carry loss (the first token never does: nothing precedes it)."""
        return sum(label != NO_LOSS for label in self.labels[1:])


@dataclass(frozen=True, slots=True)
class Example:
    """One assistant turn of the training data, with the conversation that leads up to it.

    `line` is 1-based. `turn` counts the assistant turns of that line from 0. A pre-tokenised row has no
    messages but `tokens`; any other row is tokenised by the base model's chat template.
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
        return _question(self.messages)

    @property
    def answer(self) -> str:
        """The assistant's text of this turn ('' for a pre-tokenised row)."""
        return _answer(self.messages)


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
        return _question(self.messages)

    @property
    def answer(self) -> str:
        """The assistant's text ('' for a pre-tokenised row)."""
        return _answer(self.messages)

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
        """The query of plain texts."""
        system = (Message("system", system_prompt),) if system_prompt else ()
        turns = (*system, Message("user", question), Message("assistant", answer))
        return Query(id, turns, ended=ended, selected=selected)
