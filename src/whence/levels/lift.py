"""The model's own answers, and the lift: the contribution of fine-tuning to an answer.

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
    """The fine-tuned model's own greedy answers; with `must_speak` none is empty."""
    trajectory = subject.trajectory
    trajectory.move_to(trajectory.last)
    model: Any = trajectory.model
    tokenizer = trajectory.tokenizer
    return generate(
        model, tokenizer, conversations, max_new_tokens=max_new_tokens, must_speak=must_speak, report=report
    )


def lifts_of(subject: Subject, asked: Sequence[Query], null: Null | None = None) -> list[Lift]:
    """The contribution of fine-tuning to each query's answer; with a null, also the lift that is needed."""
    trajectory, items = subject.trajectory, query_tokens(subject, asked)
    trajectory.move_to(trajectory.last)
    tuned = values_now(trajectory, items, subject.compute)
    with trajectory.base():
        base = values_now(trajectory, items, subject.compute)
    counts = [item.answer_length for item in items]
    needed = [null.needed_lift(count) if null else 0.0 for count in counts]
    columns = zip(tuned.tolist(), base.tolist(), counts, needed, strict=True)
    return [Lift(*values) for values in columns]
