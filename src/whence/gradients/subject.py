"""The subject of attribution: the training examples and the trajectory of the model that learned them; and queries as
that model reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

from whence.data.text import NoToken
from whence.data.tokenize import part_of, tokenize, window
from whence.errors import MethodError
from whence.gradients.trajectory import Trajectory
from whence.types import Example, Query, Tokens

LONGEST_QUERY = 1024
"""Tokens of question and answer together that are explained at most: memory grows with them."""


@runtime_checkable
class Examples(Protocol):
    """The training examples in order, with their tokens; they may be on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Example: ...

    def tokens(self, index: int) -> Tokens:
        """The tokens of one example."""
        ...


@dataclass(frozen=True)
class Compute:
    """Sizes of batches and shards, and the padding side. None of them changes a result beyond rounding."""

    batch_rows: int = 8
    rows_per_shard: int = 1024
    padding: Literal["left", "right"] = "right"


@dataclass(frozen=True)
class Subject:
    """The training examples and the trajectory of the model that learned from them."""

    examples: Examples
    path: Trajectory | None = None
    compute: Compute = Compute()

    @property
    def trajectory(self) -> Trajectory:
        """The model's trajectory.

        Raises:
            MethodError: the subject was opened without its model.
        """
        if self.path is None:
            raise MethodError("This method needs the fine-tuned model, but the subject has none. Open the run with it.")
        return self.path


def example_tokens(subject: Subject, span: range) -> list[Tokens]:
    """The tokens of a range of training examples."""
    return [subject.examples.tokens(i) for i in span]


def query_tokens(subject: Subject, queries: Sequence[Query]) -> list[Tokens]:
    """The queries' tokens, as the model's chat template writes them.

    A query of more than `longest` tokens is cut: the answer loses its end, but a prompt of more than half of them
    loses its beginning first.

    Raises:
        MethodError: an answer is empty, so there is nothing to measure.
        TextError: nothing is left of the selected part of an answer.
    """
    for query in queries:
        require_answer(query)
    return [_cut(subject, query) for query in queries]


def require_answer(query: Query) -> None:
    """Raise unless the query has an answer: text, or tokens that carry loss."""
    length = query.tokens.answer_length if query.tokens else len(query.answer.strip())
    if not length:
        raise MethodError(f"An answer must not be empty, but query {query.id!r} has none. Give its text.")


def longest(subject: Subject) -> int:
    """Tokens of question and answer together that are explained at most: `LONGEST_QUERY`, or the model's context."""
    context = getattr(subject.trajectory.model.config, "max_position_embeddings", None)
    return min(context or LONGEST_QUERY, LONGEST_QUERY)


def cut_note(subject: Subject, query: Query) -> tuple[str, ...]:
    """A sentence on the part of a query that was cut off because it was too long; nothing if none was."""
    whole, limit = _whole(subject, query), longest(subject)
    kept = part_of(whole, window(whole, limit, limit // 2))
    kept_prompt, whole_prompt = (len(tokens.input_ids) - tokens.answer_length for tokens in (kept, whole))
    if kept.answer_length < whole.answer_length:
        share = f"the first {kept.answer_length:,} of the answer's {whole.answer_length:,} tokens"
        return (f"Only {share} could be explained: question and answer together are cut to {limit:,}.",)
    if kept_prompt < whole_prompt:
        share = f"the last {kept_prompt:,} of the question's {whole_prompt:,} tokens"
        return (f"Only {share} were read: question and answer together are cut to {limit:,}.",)
    return ()


def _whole(subject: Subject, query: Query) -> Tokens:
    return tokenize(replace(query, selected=None), subject.trajectory.tokenizer)


def _cut(subject: Subject, query: Query) -> Tokens:
    whole, limit = _whole(subject, query), longest(subject)
    chosen = tokenize(query, subject.trajectory.tokenizer) if query.selected else whole
    kept = part_of(chosen, window(whole, limit, limit // 2))
    if not kept.answer_length:
        raise NoToken
    return kept
