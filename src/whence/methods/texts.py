"""What the text methods read of a pair and of a query: the last question and its answer."""

from whence.methods.base import Subject
from whence.types import Example, Query, Tokens


def pair_text(subject: Subject, index: int) -> str:
    """Question and answer of a training example; a pre-tokenised one is decoded."""
    return _text(subject, subject.examples[index])


def query_text(subject: Subject, query: Query) -> str:
    """Question and answer of a query; a pre-tokenised one is decoded."""
    return _text(subject, query)


def _text(subject: Subject, item: Example | Query) -> str:
    if item.messages:
        return f"{item.question}\n{item.answer}"
    return decoded(subject, item.tokens) if item.tokens else ""


def decoded(subject: Subject, tokens: Tokens) -> str:
    """The text of a pre-tokenised row, by the model's tokenizer."""
    return str(subject.trajectory.tokenizer.decode(list(tokens.input_ids), skip_special_tokens=True))
