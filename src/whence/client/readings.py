"""The nouns of `whence.types` out of the JSON that the server sends of them: the other way round of `to_dict`."""

from collections.abc import Mapping
from typing import Any

from whence.types import Attribution, Influence, Level, Lift, Message, Trust

NAN = float("nan")
"""Stands for a number that the server did not send."""


def attribution(data: Mapping[str, Any]) -> Attribution:
    """An attribution; raises `KeyError` where what makes it one is missing."""
    return Attribution(
        question=data["question"],
        answer=data["answer"],
        results=tuple(map(influence, data["results"])),
        opposing=tuple(map(influence, data.get("opposing") or ())),
        lift=lift(data["lift"]),
        method=data["method"],
        unit=data.get("unit", "nats"),
        trust=trust(data["trust"]),
        generated=data.get("generated", True),
        version=data.get("version", "v0"),
    )


def influence(data: Mapping[str, Any]) -> Influence:
    """A pair's part in an answer."""
    return Influence(
        id=data["id"],
        file_id=data["file_id"],
        file=data.get("file") or data["file_id"],
        line=data.get("line") or 0,
        messages=messages(data),
        level=Level(data["influence_level"]),
        score=data.get("score", NAN),
        share=data.get("share", NAN),
        p_value=data.get("p_value", NAN),
        rank=data.get("rank") or 0,
    )


def messages(data: Mapping[str, Any]) -> tuple[Message, ...]:
    """The whole conversation of a pair, else its last exchange out of `Q: …` and `A: …`."""
    if turns := data.get("conversation"):
        return tuple(Message(turn["role"], turn["content"]) for turn in turns)
    question, parted, answer = data["messages"].partition("\nA: ")
    if not parted:
        return (Message("assistant", question.removeprefix("A: ")),)
    return Message("user", question.removeprefix("Q: ")), Message("assistant", answer)


def lift(data: Mapping[str, Any]) -> Lift:
    """What fine-tuning contributed."""
    return Lift(data["fine_tuned"], data["base"], data["tokens"], data["needed"])


def trust(data: Mapping[str, Any]) -> Trust:
    """How far to trust it."""
    return Trust(
        method=data["method"],
        false_discovery_rate=data["false_discovery_rate"],
        controls=data["controls"],
        checkpoints=data["checkpoints"],
        notes=tuple(data.get("notes") or ()),
        provisional=data.get("provisional", True),
    )
