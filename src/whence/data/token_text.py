"""The text of each token of an answer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from whence.types import NO_LOSS, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

UNKNOWN = "\ufffd"
"""Decoded in place of bytes that do not form a character yet."""


def answer_token_texts(tokens: Tokens, tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """Return the text of each token that carries loss; joined, the texts of an unbroken answer are the answer.

    A character of several tokens belongs to the last of them. Tokens without text, such as the end of a turn, are
    given by their names.
    """
    places = [t for t, label in enumerate(tokens.labels) if t and label != NO_LOSS]
    start = places[0] if places else 0
    texts: dict[int, str] = {}
    before = _text(tokens.input_ids[start - 1 : start], tokenizer)
    for t in range(start, places[-1] + 1 if places else 0):
        # Decoded with the token before: some decoders drop a leading space.
        grown = _text(tokens.input_ids[start - 1 : t + 1], tokenizer)
        whole = not grown.endswith(UNKNOWN) or t == places[-1]
        texts[t], before = (grown[len(before) :], grown) if whole else ("", before)
    return [texts[t] for t in places]


def _text(ids: Sequence[int], tokenizer: "PreTrainedTokenizerBase") -> str:
    return cast(
        str,
        cast(Any, tokenizer).decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False),
    )
