"""A request for an attribution: the one form in which every door passes it on."""

from dataclasses import MISSING, dataclass, fields
from typing import Any, get_args

from whence.errors import DataError
from whence.types.defaults import ANSWER_TOKENS, DISCOVERY_RATE
from whence.types.influence import GroupKind
from whence.types.pairs import Query
from whence.types.wire import Noun, encode


@dataclass(frozen=True, slots=True)
class AttributionRequest(Noun):
    """A question, the answer to be explained, and how to explain it.

    Without `answer`, the model gives its own, of at most `max_new_tokens` tokens; `generated` marks an answer that the
    model gave before. `selection` is the part of the answer to explain, by characters, half open. With `instead`: why
    the answer rather than this other one. `groups` are the kinds of groups to judge as well. `top_k` limits the pairs
    of each sign. `method` names the index to use (None: the default one).
    """

    question: str
    answer: str | None = None
    system_prompt: str | None = None
    selection: tuple[int, int] | None = None
    instead: str | None = None
    groups: tuple[GroupKind, ...] = ()
    method: str | None = None
    top_k: int | None = None
    false_discovery_rate: float = DISCOVERY_RATE
    max_new_tokens: int = ANSWER_TOKENS
    generated: bool = False

    @property
    def own(self) -> bool:
        """True if the answer is the model's own."""
        return self.generated or self.answer is None

    @property
    def query(self) -> Query:
        """The question with the answer to be explained, as far as it is given."""
        return Query.of(self.question, self.answer or "", self.system_prompt)

    @property
    def other(self) -> Query | None:
        """The question with the other answer of a contrast."""
        return Query.of(self.question, self.instead, self.system_prompt, id="instead") if self.instead else None

    def require_valid(self) -> None:
        """Raise unless the request can be carried out.

        Raises:
            DataError: question or an answer is empty, a contrast has a selection, or a kind of group is unknown.
        """
        require_text("question", self.question)
        for name, text in (("answer", self.answer), ("other answer", self.instead)):
            if text is not None:
                require_text(name, text)
        for kind in self.groups:
            if kind not in get_args(GroupKind):
                kinds = ", ".join(get_args(GroupKind))
                raise DataError(f"A kind of group is one of {kinds} (found {kind[:60]!r}). Choose one.")
        if self.instead is not None and self.selection is not None:
            raise DataError("A contrast compares two whole answers (found a selection as well). Leave one out.")

    def stated(self) -> dict[str, Any]:
        """The JSON object without what equals its default."""
        return {one.name: encode(value) for one in fields(self) if (value := getattr(self, one.name)) != _default(one)}


def require_text(name: str, text: str) -> None:
    """Raise unless the text holds more than whitespace."""
    if not text.strip():
        raise DataError(f"The {name} must not be empty (found {text!r}). Write one.")


def _default(field: Any) -> Any:
    return None if field.default is MISSING else field.default
