"""Tokens as the pieces of text that they write."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from whence.types import NO_LOSS, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

UNKNOWN = "\ufffd"
"""What a decoder writes for bytes that are no character yet."""


def answer_pieces(tokens: Tokens, tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """The text of each token that carries loss; the pieces of an unbroken answer make it up.

    Of a character that several tokens write, all is told with the last of them. Tokens that write no text, such as
    the end of a turn, are told by their names.
    """
    places = [t for t, label in enumerate(tokens.labels) if t and label != NO_LOSS]
    start = places[0] if places else 0
    found: dict[int, str] = {}
    told = _text(tokens.input_ids[start - 1 : start], tokenizer)
    for t in range(start, places[-1] + 1 if places else 0):
        # The token before comes along: some decoders drop the blank that a text begins with.
        grown = _text(tokens.input_ids[start - 1 : t + 1], tokenizer)
        whole = not grown.endswith(UNKNOWN) or t == places[-1]
        found[t], told = (grown[len(told) :], grown) if whole else ("", told)
    return [found[t] for t in places]


def _text(ids: Sequence[int], tokenizer: "PreTrainedTokenizerBase") -> str:
    return cast(
        str,
        cast(Any, tokenizer).decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False),
    )
