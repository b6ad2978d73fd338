"""Conversations as tokens; only the last answer carries loss."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from whence.data.text import NoToken, Text, TextError, text_to_explain
from whence.errors import DataError, ModelError
from whence.types import NO_LOSS, Example, Query, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class TooLong(TextError):  # noqa: N818 - says what is wrong
    """A conversation of `length` tokens, more than `max_length`."""

    def __init__(self, length: int, max_length: int) -> None:
        rule = f"an example must not be longer than {max_length} tokens"
        super().__init__(rule, f"{length} tokens", "Shorten it, raise max_length, or set truncate.")
        self.length, self.max_length = length, max_length


def tokenize(
    item: Example | Query,
    tokenizer: "PreTrainedTokenizerBase",
    *,
    max_length: int | None = None,
    truncate: bool = False,
) -> Tokens:
    """Return the tokens of one conversation; see `tokenize_all`, which is faster for many.

    Raises:
        TooLong: there are more than `max_length` tokens, and `truncate` is off.
        TextError: the conversation does not end in an answer, or the chat template refuses it.
        ModelError: the chat template does not separate the answer from the prompt.
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
    """Return, for each conversation, its tokens or the error that `tokenize` raises.

    The last message's content and the template's end-of-turn token carry loss (the latter not for a query whose
    answer was cut off); white space after that does not. A token that straddles the beginning of the answer carries
    loss. In a selection, every token with a character in it carries loss. An item's own tokens are kept as they are.

    Raises:
        ModelError: the chat template does not separate the answer from the prompt.
    """
    texts = {i: _try_text(item, tokenizer) for i, item in enumerate(items) if item.tokens is None}
    sound = {i: text for i, text in texts.items() if isinstance(text, Text)}
    encoded = dict(zip(sound, _encode(list(sound.values()), tokenizer), strict=True))
    found: list[Tokens | TextError] = []
    for i, item in enumerate(items):
        tokens = item.tokens or encoded.get(i) or cast(TextError, texts[i])
        try:
            found.append(tokens if isinstance(tokens, TextError) else fit(tokens, max_length, truncate))
        except TooLong as error:
            found.append(error)
    return found


def fit(tokens: Tokens, max_length: int | None, truncate: bool) -> Tokens:
    """Return the tokens, cut to `max_length` if `truncate` allows it.

    The prompt is cut first, from its beginning, but keeps a quarter of `max_length` (at least the one token from
    which the first token of the answer is predicted); then the answer is cut, from its end.

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
    return part_of(tokens, window(tokens, max_length, max_length // 4))


def window(tokens: Tokens, length: int, prompt: int) -> slice:
    """Return the `length` tokens that are kept: the prompt is cut from its beginning as far as the answer needs the
    room, but keeps `prompt` tokens and at least one; then the answer is cut, from its end."""
    start = next(i for i, label in enumerate(tokens.labels) if i and label != NO_LOSS)
    kept = min(start, max(length - (len(tokens.input_ids) - start), prompt, 1))
    return slice(start - kept, start - kept + length)


def part_of(tokens: Tokens, kept: slice) -> Tokens:
    """Return the kept tokens with their labels."""
    return Tokens(tokens.input_ids[kept], tokens.labels[kept])


def _try_text(item: Example | Query, tokenizer: "PreTrainedTokenizerBase") -> Text | TextError:
    try:
        text = text_to_explain(item, tokenizer)
        text.whole.encode("utf-8")  # a tokenizer fails on a lone surrogate without naming the text
        return text
    except TextError as error:
        return error
    except UnicodeEncodeError:
        return TextError("text must be valid Unicode", "a lone surrogate", "Remove it.")


def _encode(texts: Sequence[Text], tokenizer: "PreTrainedTokenizerBase") -> list[Tokens | TextError]:
    if not texts:
        return []
    wholes = [text.whole for text in texts]
    if not tokenizer.is_fast:
        return [_without_offsets(text, tokenizer) for text in texts]
    encoded = cast(Any, tokenizer)(
        wholes,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    spans = zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return [_with_offsets(text, ids, offsets) for text, ids, offsets in spans]


def _with_offsets(text: Text, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> Tokens | TextError:
    tokens = _labelled(ids, *_answer_span(text, offsets))
    if text.selected is None:
        return tokens
    start, stop = _touching(offsets, *text.selected)
    labels = [label if start <= t < stop else NO_LOSS for t, label in enumerate(tokens.labels)]
    chosen = Tokens(tokens.input_ids, tuple(labels))
    return chosen if chosen.answer_length else NoToken()


def _answer_span(text: Text, offsets: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the first token that ends within the answer, and the first that begins in the white space after it."""
    start = bisect_right(offsets, len(text.prompt), key=lambda span: span[1])
    return start, bisect_left(offsets, len(text.whole.rstrip()), key=lambda span: span[0])


def _touching(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """Return the first token with a character at or after `start`, and the first without any before `end`."""
    first = bisect_right(offsets, start, key=lambda span: span[1])
    return first, bisect_left(offsets, end, key=lambda span: span[0])


def _without_offsets(text: Text, tokenizer: "PreTrainedTokenizerBase") -> Tokens | TextError:
    if text.selected is None:
        return _labelled(*_compare(text, tokenizer))
    rule = "a selection needs a fast tokenizer, which knows the place of each token"
    return TextError(rule, "a slow one", "Explain the whole answer.")


def _compare(text: Text, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[int], int, int]:
    """Return ids and span for a tokenizer without offsets: the answer begins where the prompt's tokens differ."""

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
