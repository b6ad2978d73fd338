"""Edits of a record's question and answer that keep its format and its other keys."""

import json
from collections.abc import Mapping
from typing import Any, cast

from whence.data.formats import FORMATS, conversation, format_of
from whence.errors import DataError, Fault

Record = Mapping[str, object]
TOKENS = "input_ids/labels"
EXTRAS = ("input", "context")
"""Keys that are part of an instruction: a new question replaces all of it, so they are emptied."""


def edited(record: Record, turn: int, question: str, answer: str) -> dict[str, object]:
    """Return the record with this question and answer in assistant turn `turn`, counted from 0.

    Raises:
        DataError: the record is pre-tokenised.
    """
    name = format_of(record)
    if name == TOKENS:
        raise DataError("A pre-tokenised pair has no text to edit. Exclude it, and add a pair to a file of texts.")
    if name == "messages":
        return {**record, "messages": _with_turn(record["messages"], turn, question, answer)}
    question_key, answer_key = FORMATS[name]
    answered = {**record, answer_key: answer}
    if question == _question_of(record):
        return answered
    emptied = {key: "" for key in EXTRAS if name == "instruction/response" and record.get(key)}
    return {**answered, question_key: question, **emptied}


def new_record(like: Record, question: str, answer: str) -> dict[str, object]:
    """Return a record of this pair in the format of another record, without other keys.

    Raises:
        DataError: the other record is pre-tokenised.
    """
    name = format_of(like)
    if name == TOKENS:
        raise DataError("A pre-tokenised file takes no pairs of texts. Add them in a separate file.")
    if name == "messages":
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return {"messages": json.dumps(messages, ensure_ascii=False) if _is_text(like["messages"]) else messages}
    question_key, answer_key = FORMATS[name]
    return {question_key: question, answer_key: answer}


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
