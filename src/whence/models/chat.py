"""A conversation as the text that a model reads before it answers."""

from collections.abc import Sequence
from typing import Any, cast

from transformers import PreTrainedTokenizerBase

from whence.errors import ModelError
from whence.types import Message


def prompt_text(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> str:
    """Return the conversation up to where the assistant begins to answer, special tokens included.

    It follows the tokenizer's chat template, else `plain_prompt`.

    Raises:
        ModelError: there are no messages, or the chat template refuses them.
    """
    if not messages:
        raise ModelError("A prompt needs at least one message (found none). Give a question.")
    if not cast(Any, tokenizer).chat_template:
        return plain_prompt(messages)
    turns = [m.to_dict() for m in messages]
    try:
        return cast(str, cast(Any, tokenizer).apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    except Exception as error:  # a template is a program and may raise any exception
        raise ModelError(f"The chat template of this model refuses the conversation: {error}") from error


def plain_prompt(messages: Sequence[Message]) -> str:
    """The conversation for a tokenizer without a chat template: a line a turn, then `Answer:`."""
    names = {"user": "Question: ", "assistant": "Answer: ", "system": ""}
    return "".join(f"{names[m.role]}{m.content}\n" for m in messages) + "Answer:"
