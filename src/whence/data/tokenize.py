"""Conversations as tokens, of which only the last answer carries loss. The chat template decides the text."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from whence.data.read import short
from whence.errors import DataError, ModelError
from whence.types import Example, Message, Query, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NO_LOSS = -100


class TextError(DataError):
    """A conversation that cannot be tokenised: the rule that it breaks, the value, and what to do."""

    def __init__(self, rule: str, value: str, fix: str) -> None:
        super().__init__(f"{rule[0].upper()}{rule[1:]} (found {value}). {fix}")
        self.rule, self.value, self.fix = rule, value, fix


class TooLong(TextError):  # noqa: N818 - says what is wrong
    """A conversation of `length` tokens, which are more than `max_length`."""

    def __init__(self, length: int, max_length: int) -> None:
        rule = f"an example must not be longer than {max_length} tokens"
        super().__init__(rule, f"{length} tokens", "Shorten it, raise max_length, or set truncate.")
        self.length, self.max_length = length, max_length


@dataclass(frozen=True, slots=True)
class Text:
    """A conversation as the model reads it. `whole` begins with `prompt`; the answer is the rest."""

    prompt: str
    whole: str


def tokenize(
    item: Example | Query,
    tokenizer: "PreTrainedTokenizerBase",
    *,
    max_length: int | None = None,
    truncate: bool = False,
) -> Tokens:
    """The tokens of one conversation; see `tokenize_all`, which is quicker for many.

    Raises:
        TooLong: there are more than `max_length` tokens, and `truncate` is off.
        TextError: the conversation does not end in an answer, or the chat template refuses it.
        ModelError: the chat template does not let the answer be told apart from the prompt.
    """
    (tokens,) = tokenize_all([item], tokenizer, max_length=max_length, truncate=truncate)
    if isinstance(tokens, TextError):
        raise tokens
    return tokens


def tokenize_all(
    items: Sequence[Example | Query],
    tokenizer: "PreTrainedTokenizerBase",
    *,
    max_length: int | None = None,
    truncate: bool = False,
) -> list[Tokens | TextError]:
    """For each conversation its tokens, or what is wrong with it (the error that `tokenize` raises).

    Loss is carried by the last message's content and by what the template closes it with (its end-of-turn
    token; not for a query whose answer was cut off), not by white space after that. A token that straddles the
    beginning of the answer carries loss.
    Tokens that an item brings are taken as they are.

    Raises:
        ModelError: the chat template does not let the answer be told apart from the prompt.
    """
    texts = {i: _try_text(item, tokenizer) for i, item in enumerate(items) if item.tokens is None}
    sound = {i: text for i, text in texts.items() if isinstance(text, Text)}
    encoded = dict(zip(sound, _encode(list(sound.values()), tokenizer), strict=True))
    found: list[Tokens | TextError] = []
    for i, item in enumerate(items):
        tokens = item.tokens or encoded.get(i)
        try:
            found.append(fit(tokens, max_length, truncate) if tokens else cast(TextError, texts[i]))
        except TooLong as error:
            found.append(error)
    return found


def text_of(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> Text:
    """The text of a conversation that ends in an answer: by the chat template, else by `plain_text`.

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
            "so the answer's tokens cannot be told apart. Give the tokenizer another chat template."
        )
    return text


def cut_off(text: Text, answer: str) -> Text:
    """The text up to the end of an answer that was cut off: what the template closes a turn with was never said."""
    start = text.whole.rfind(answer.strip())
    return Text(text.prompt, text.whole[: start + len(answer.strip())]) if start >= len(text.prompt) else text


def plain_text(messages: Sequence[Message], end: str) -> Text:
    """The text for a model without a chat template: `Question: …`, newline, `Answer: …` and the end token.

    Earlier turns stand before it in the same way, a system message as a line of its own.
    """
    names = {"user": "Question: ", "assistant": "Answer: ", "system": ""}
    prompt = "".join(f"{names[m.role]}{m.content}\n" for m in messages[:-1]) + "Answer:"
    return Text(prompt, f"{prompt} {messages[-1].content}{end}")


def fit(tokens: Tokens, max_length: int | None, truncate: bool) -> Tokens:
    """The tokens, cut to `max_length` where `truncate` allows it.

    The prompt gives way first, from its beginning, but keeps a quarter of `max_length` (at least one token,
    which the first token of the answer is predicted from); after that the answer, from its end.

    Raises:
        TooLong: there are more than `max_length` tokens, and `truncate` is off.
    """
    length = len(tokens.input_ids)
    if max_length is None or length <= max_length:
        return tokens
    if not truncate:
        raise TooLong(length, max_length)
    if max_length < 2:
        raise DataError(f"max_length must leave room for a prompt and an answer (found {max_length}). Raise it.")
    start = next(i for i, label in enumerate(tokens.labels) if i and label != NO_LOSS)
    kept = min(start, max(max_length - (length - start), max_length // 4, 1))
    window = slice(start - kept, start - kept + max_length)
    return Tokens(tokens.input_ids[window], tokens.labels[window])


def _try_text(item: Example | Query, tokenizer: "PreTrainedTokenizerBase") -> Text | TextError:
    try:
        text = text_of(item.messages, tokenizer)
        if isinstance(item, Query) and not item.ended:
            text = cut_off(text, item.answer)
        text.whole.encode("utf-8")  # a tokenizer fails on a lone surrogate without saying which text it was
        return text
    except TextError as error:
        return error
    except UnicodeEncodeError:
        return TextError("text must be valid Unicode", "a lone surrogate", "Remove it.")


def _render(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase", ask: bool) -> str:
    turns = [{"role": m.role, "content": m.content} for m in messages]
    try:
        template = cast(Any, tokenizer).apply_chat_template
        return cast(str, template(turns, tokenize=False, add_generation_prompt=ask))
    except Exception as error:  # a template is a program of its own and refuses with whatever it likes
        rule, fix = "a conversation must suit the model's chat template", "Change the order or the roles."
        raise TextError(rule, f"its refusal: {short(str(error), 100)}", fix) from error


def _encode(texts: Sequence[Text], tokenizer: "PreTrainedTokenizerBase") -> list[Tokens]:
    if not texts:
        return []
    wholes = [text.whole for text in texts]
    if not tokenizer.is_fast:
        return [_labelled(*_compare(text, tokenizer)) for text in texts]
    encoded = cast(Any, tokenizer)(
        wholes,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    spans = zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return [_labelled(ids, *_answer_span(text, offsets)) for text, ids, offsets in spans]


def _answer_span(text: Text, offsets: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """First token that ends within the answer, and first that begins in the white space after it."""
    start = bisect_right(offsets, len(text.prompt), key=lambda span: span[1])
    return start, bisect_left(offsets, len(text.whole.rstrip()), key=lambda span: span[0])


def _compare(text: Text, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[int], int, int]:
    """Ids and span for a tokenizer without offsets: the answer begins where the prompt's tokens differ."""

    def ids(part: str) -> list[int]:
        return cast(list[int], cast(Any, tokenizer)(part, add_special_tokens=False, verbose=False)["input_ids"])

    whole, prompt = ids(text.whole), ids(text.prompt)
    same = (i for i, (a, b) in enumerate(zip(prompt, whole, strict=False)) if a != b)
    return whole, next(same, min(len(prompt), len(whole))), len(ids(text.whole.rstrip()))


def _labelled(ids: Sequence[int], start: int, stop: int) -> Tokens:
    start = max(start, 1)
    if start >= stop:
        raise ModelError(
            "A chat template must show the assistant's answer, but this one leaves no token of it. "
            "Give the tokenizer another chat template."
        )
    labels = (*[NO_LOSS] * start, *ids[start:stop], *[NO_LOSS] * (len(ids) - stop))
    return Tokens(tuple(ids), labels)
