"""Control questions: questions for any assistant, unrelated to every training pair."""

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources

from whence.types import Message, Query


@cache
def questions() -> tuple[str, ...]:
    """All shipped control questions, in order."""
    text = resources.files("whence.levels").joinpath("controls.jsonl").read_text("utf-8")
    return tuple(json.loads(line)["question"] for line in text.splitlines() if line)


def conversations(count: int) -> list[tuple[Message, ...]]:
    """The first `count` control questions as conversations without an answer."""
    return [(Message("user", question),) for question in questions()[:count]]


def answered(answers: Sequence[tuple[str, bool]]) -> list[Query]:
    """The first control questions with the model's own answers (text, and whether the answer is complete); a question
    without an answer is dropped."""
    pairs = zip(questions(), answers, strict=False)
    return [
        Query.of(q, text, id=f"control-{i}", ended=ended) for i, (q, (text, ended)) in enumerate(pairs) if text.strip()
    ]
