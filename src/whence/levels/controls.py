"""Control questions: what people ask of any assistant and no training pair can have to do with."""

import json
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


def answered(answers: list[str]) -> list[Query]:
    """The first control questions with the model's own answers; a question it left unanswered is dropped."""
    pairs = zip(questions(), answers, strict=False)
    asked = enumerate(pairs)
    return [Query.of(question, answer, id=f"control-{i}") for i, (question, answer) in asked if answer.strip()]
