"""Records with another question and answer, in the format that they have; all else in them stays."""

import json
from collections.abc import Mapping
from typing import Any, cast

from whence.data.formats import FORMATS, conversation, format_of
from whence.errors import DataError, Fault

Record = Mapping[str, object]
TOKENS = "input_ids/labels"
EXTRAS = ("input", "context")
"""Keys that are part of an instruction: a new question is all of it, so they are emptied."""


def edited(record: Record, turn: int, question: str, answer: str) -> dict[str, object]:
    """The record in which assistant turn `turn`, counted from 0, is this answer to this question.

    Raises:
        DataError: the record is pre-tokenised.
    """
    name = format_of(record)
    if name == TOKENS:
        raise DataError("A pre-tokenised pair has no text to edit. Exclude it, and add a pair to a file of texts.")
    if name == "messages":
        return {**record, "messages": _with_turn(record["messages"], turn, question, answer)}
    asked, said = FORMATS[name]
    found = {**record, said: answer}
    if question == _question_of(record):
        return found
    emptied = {key: "" for key in EXTRAS if name == "instruction/response" and record.get(key)}
    return {**found, asked: question, **emptied}


def made(like: Record, question: str, answer: str) -> dict[str, object]:
    """A record of this pair in the format of another one, with no other keys.

    Raises:
        DataError: that one is pre-tokenised.
    """
    name = format_of(like)
    if name == TOKENS:
        raise DataError("A pre-tokenised file takes no pairs of texts. Put them into a file of their own.")
    if name == "messages":
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return {"messages": json.dumps(messages, ensure_ascii=False) if _is_text(like["messages"]) else messages}
    asked, said = FORMATS[name]
    return {asked: question, said: answer}


def _question_of(record: Record) -> str:
    found = conversation(record, "", 0)
    assert not isinstance(found, Fault)
    return found.messages[-2].content


def _with_turn(value: object, turn: int, question: str, answer: str) -> object:
    listed = json.loads(cast(str, value)) if _is_text(value) else value
    messages = [dict(message) for message in cast(list[Mapping[str, Any]], listed)]
    spoken = [place for place, message in enumerate(messages) if message["role"] == "assistant"][turn]
    asked = max(place for place in range(spoken) if messages[place]["role"] == "user")
    messages[spoken]["content"], messages[asked]["content"] = answer, question
    return json.dumps(messages, ensure_ascii=False) if _is_text(value) else messages


def _is_text(value: object) -> bool:
    return isinstance(value, str)  # CSV has no lists, so they are JSON there
