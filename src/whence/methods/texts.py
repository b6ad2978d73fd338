"""The text of a pair and of a query that the text methods read: the last question and its answer."""

from whence.gradients.subject import Subject, require_answer
from whence.types import Example, Query, Tokens


def pair_text(subject: Subject, index: int) -> str:
    """Question and answer of a training example; a pre-tokenised one is decoded."""
    return _text(subject, subject.examples[index])


def query_text(subject: Subject, query: Query) -> str:
    """Question and answer of a query, or the selected part of the answer; a pre-tokenised one is decoded.

    Raises:
        MethodError: the query has no answer.
    """
    require_answer(query)
    return _text(subject, query)


def _text(subject: Subject, item: Example | Query) -> str:
    if item.messages:
        return f"{item.question}\n{item.explained if isinstance(item, Query) else item.answer}"
    return decoded(subject, item.tokens) if item.tokens else ""


def decoded(subject: Subject, tokens: Tokens) -> str:
    """The text of a pre-tokenised row, by the model's tokenizer."""
    return str(subject.trajectory.tokenizer.decode(list(tokens.input_ids), skip_special_tokens=True))
