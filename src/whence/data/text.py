"""A conversation as the text that the model reads, which the chat template determines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from whence.data.read import short
from whence.errors import DataError, ModelError
from whence.types import Example, Message, Query

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class TextError(DataError):
    """A conversation that cannot be tokenised: the broken rule, the value and the fix."""

    def __init__(self, rule: str, value: str, fix: str) -> None:
        super().__init__(f"{rule[0].upper()}{rule[1:]} (found {value}). {fix}")
        self.rule, self.value, self.fix = rule, value, fix


class NoToken(TextError):  # noqa: N818 - says what is wrong
    """A selection without a character in any explained token of the answer."""

    def __init__(self) -> None:
        rule = "a selection must touch a token of the answer that is explained"
        super().__init__(rule, "white space, or a part that is cut off", "Select more of the answer.")


@dataclass(frozen=True, slots=True)
class Text:
    """A conversation as the model reads it. `whole` begins with `prompt`; the answer is the rest.

    `selected` is the span of `whole`, in characters, that carries loss (None: the answer).
    """

    prompt: str
    whole: str
    selected: tuple[int, int] | None = None


def text_to_explain(item: Example | Query, tokenizer: "PreTrainedTokenizerBase") -> Text:
    """Return the text of an example or a query, up to where its answer was cut off, with its selection.

    Raises:
        TextError: there is no answer, or the template refuses the conversation or hides the selection.
        ModelError: adding the answer changes the text before it.
    """
    text = text_of(item.messages, tokenizer)
    if isinstance(item, Query) and not item.ended:
        text = cut_off(text, item.answer)
    if isinstance(item, Query) and item.selected:
        text = narrowed(text, item.answer, item.selected)
    return text


def text_of(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> Text:
    """Return the text of a conversation that ends in an answer: by the chat template, else by `plain_text`.

    Raises:
        TextError: there is no answer, or nothing before it, or the template refuses the conversation.
        ModelError: adding the answer changes the text before it.
    """
    if len(messages) < 2 or messages[-1].role != "assistant":
        roles = ", ".join(message.role for message in messages) or "no messages"
        raise TextError("a conversation must end in an assistant's answer", roles, "Add a question and its answer.")
    if not cast(Any, tokenizer).chat_template:
        return plain_text(messages, cast(str, tokenizer.eos_token or ""))
    text = Text(_render(messages[:-1], tokenizer, True), _render(messages, tokenizer, False))
    if not text.whole.startswith(text.prompt):
        raise ModelError(
            "A chat template must leave the prompt as it is when the answer is added. This one rewrites it, "
            "so the answer's tokens cannot be identified. Give the tokenizer another chat template."
        )
    return text


def cut_off(text: Text, answer: str) -> Text:
    """Return the text up to the end of an answer that was cut off, without the template's end of turn."""
    start = answer_start(text, answer)
    return text if start is None else Text(text.prompt, text.whole[: start + len(answer.strip())])


def narrowed(text: Text, answer: str, selected: tuple[int, int]) -> Text:
    """Return the text with loss only on the characters `selected` of the answer.

    Raises:
        TextError: the chat template changes the answer, or shows nothing of the selection.
    """
    start = answer_start(text, answer)
    if start is None:
        rule = "a selection needs an answer that the chat template shows unchanged"
        raise TextError(rule, "a changed one", "Explain the whole answer.")
    origin = start - (len(answer) - len(answer.lstrip()))
    first, last = answer_shown(text, answer, start)
    chosen = (max(first, origin + selected[0]), min(last, origin + selected[1]))
    if chosen[0] >= chosen[1]:
        raise NoToken
    return replace(text, selected=chosen)


def answer_shown(text: Text, answer: str, start: int) -> tuple[int, int]:
    """Return the span of the answer in `text.whole`, with the white space around it that the template kept."""
    stripped = answer.strip()
    before, after = answer[: len(answer) - len(answer.lstrip())], answer[len(answer.rstrip()) :]
    end = start + len(stripped)
    first = start - len(before) if text.whole.endswith(before, len(text.prompt), start) else start
    return first, end + len(after) if text.whole.startswith(after, end) else end


def answer_start(text: Text, answer: str) -> int | None:
    """Return where the answer, stripped, begins in `text.whole`; None if the template changed it."""
    stripped, rest = answer.strip(), text.whole[len(text.prompt) :]
    blanks = len(rest) - len(rest.lstrip())
    if rest.startswith(stripped, blanks):
        return len(text.prompt) + blanks
    start = rest.rfind(stripped)  # some templates insert text before the answer
    return len(text.prompt) + start if start >= 0 else None


def plain_text(messages: Sequence[Message], end: str) -> Text:
    """Return the text for a model without a chat template: `Question: …`, newline, `Answer: …` and the end token.

    Earlier turns precede it in the same form, a system message as its own line.
    """
    names = {"user": "Question: ", "assistant": "Answer: ", "system": ""}
    prompt = "".join(f"{names[m.role]}{m.content}\n" for m in messages[:-1]) + "Answer:"
    return Text(prompt, f"{prompt} {messages[-1].content}{end}")


def _render(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase", ask: bool) -> str:
    turns = [m.to_dict() for m in messages]
    try:
        template = cast(Any, tokenizer).apply_chat_template
        return cast(str, template(turns, tokenize=False, add_generation_prompt=ask))
    except Exception as error:  # a template is a program and may raise any exception
        rule, fix = "a conversation must suit the model's chat template", "Change the order or the roles."
        raise TextError(rule, f"its refusal: {short(str(error), 100)}", fix) from error
