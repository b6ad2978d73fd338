"""The model's own answers, and the lift: what fine-tuning contributed to an answer.

lift = log p(answer | question; fine-tuned) - log p(answer | question; base)        in nats
"""

from collections.abc import Sequence
from typing import Any

from whence.gradients.likelihood import values_now
from whence.gradients.subject import Subject, query_tokens
from whence.levels.null import Null
from whence.models.generate import Generated, generate
from whence.types import ANSWER_TOKENS, Lift, Message, Query, Report, silent


def own_answers(
    subject: Subject,
    conversations: Sequence[Sequence[Message]],
    max_new_tokens: int = ANSWER_TOKENS,
    report: Report = silent,
    *,
    must_speak: bool = False,
) -> list[Generated]:
    """The fine-tuned model's own greedy answers."""
    path = subject.trajectory
    path.move_to(path.last)
    model: Any = path.model
    return generate(
        model, path.tokenizer, conversations, max_new_tokens=max_new_tokens, must_speak=must_speak, report=report
    )


def lifts_of(subject: Subject, asked: Sequence[Query], null: Null | None = None) -> list[Lift]:
    """What fine-tuning contributed to each query's answer; with a null, how much of it is needed."""
    path, items = subject.trajectory, query_tokens(subject, asked)
    path.move_to(path.last)
    tuned = values_now(path, items, subject.compute)
    with path.base():
        base = values_now(path, items, subject.compute)
    counts = [item.answer_length for item in items]
    needed = [null.needed_lift(count) if null else 0.0 for count in counts]
    found = zip(tuned.tolist(), base.tolist(), counts, needed, strict=True)
    return [Lift(*values) for values in found]
