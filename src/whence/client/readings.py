"""The nouns of `whence.types` out of the JSON that the server sends of them: the other way round of `to_dict`."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from whence.types import (
    Attribution,
    Distribution,
    Faithfulness,
    Group,
    Influence,
    Level,
    Lift,
    Member,
    Message,
    TokenInfluence,
    TokenScore,
    Trust,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NAN = float("nan")
"""Stands for a number that the server did not send."""


def attribution(data: Mapping[str, Any]) -> Attribution:
    """An attribution; raises `KeyError` or `TypeError` where what makes it one is missing."""
    made: dict[str, Any] = {
        "results": tuple(map(influence, data["results"])),
        "opposing": tuple(map(influence, data.get("opposing") or ())),
        "groups": tuple(map(group, data.get("groups") or ())),
        "lift": Lift(**known(Lift, data["lift"])),
        "trust": trust(data["trust"]),
    }
    if data.get("distribution"):
        made["distribution"] = Distribution(**known(Distribution, data["distribution"]))
    return Attribution(**(known(Attribution, data) | made))


def trust(data: Mapping[str, Any]) -> Trust:
    """How far to trust an attribution."""
    recall = data.get("recall")
    measured = (recall["found"], recall["asked"]) if recall else None
    made: dict[str, Any] = {**known(Trust, data), "recall": measured}
    if data.get("faithfulness"):
        made["faithfulness"] = Faithfulness(**known(Faithfulness, data["faithfulness"]))
    return Trust(**made)


def known(kind: "type[DataclassInstance]", data: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of the fields of `kind`; lists as tuples, null as not said."""
    names = {item.name for item in fields(kind)}
    said = {name: value for name, value in data.items() if name in names and value is not None}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}


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


def group(data: Mapping[str, Any]) -> Group:
    """A set of pairs' part in an answer."""
    members = tuple(Member(**known(Member, member)) for member in data["members"])
    made: dict[str, Any] = {**known(Group, data), "members": members, "level": Level(data["influence_level"])}
    return Group(**made)


def token_influence(data: Mapping[str, Any]) -> TokenInfluence:
    """The parts that a pair's tokens have in an answer."""
    tokens = tuple(TokenScore(**known(TokenScore, token)) for token in data["tokens"])
    made: dict[str, Any] = {**known(TokenInfluence, data), "tokens": tokens}
    return TokenInfluence(**made)


def messages(data: Mapping[str, Any]) -> tuple[Message, ...]:
    """The whole conversation of a pair, else its last exchange out of `Q: …` and `A: …`."""
    if turns := data.get("conversation"):
        return tuple(Message(turn["role"], turn["content"]) for turn in turns)
    question, parted, answer = data["messages"].partition("\nA: ")
    if not parted:
        return (Message("assistant", question.removeprefix("A: ")),)
    return Message("user", question.removeprefix("Q: ")), Message("assistant", answer)
