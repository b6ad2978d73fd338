"""Attributions from the JSON that a server sends, with fallbacks for what SeekrFlow and older servers leave out."""

from collections.abc import Mapping
from typing import Any

from whence.types import Attribution, Influence, decode

NAN = float("nan")
"""A number that the server did not send."""


def attribution(data: Mapping[str, Any]) -> Attribution:
    """An attribution; raises `KeyError` or `TypeError` if a required part is missing."""
    sides = {"results": data["results"], "opposing": data.get("opposing") or ()}
    return decode(Attribution, {**data, **{side: [_complete(pair) for pair in pairs] for side, pairs in sides.items()}})


def influence(data: Mapping[str, Any]) -> Influence:
    """A pair's influence on an answer."""
    return decode(Influence, _complete(data))


def _complete(data: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {"score": NAN, "share": NAN, "p_value": NAN, "line": 0, "rank": 0}
    sent = {name: value for name, value in data.items() if value is not None}
    turns = data.get("conversation") or ([] if sent.get("messages") == "" else _turns(data["messages"]))
    return {"file": data["file_id"], **numbers, **sent, "conversation": turns}


def _turns(text: str) -> list[dict[str, str]]:
    """The turns of `Q: …`, newline, `A: …`."""
    question, parted, answer = text.partition("\nA: ")
    if not parted:
        return [{"role": "assistant", "content": question.removeprefix("A: ")}]
    return [{"role": "user", "content": question.removeprefix("Q: ")}, {"role": "assistant", "content": answer}]
