"""Records of any known format as conversations. A file is known here only by its name, for faults."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast, get_args

from whence.data.read import short
from whence.errors import Fault
from whence.types import NO_LOSS, Message, Role, Tokens

FORMATS: dict[str, tuple[str, ...]] = {
    "messages": ("messages",),
    "input_ids/labels": ("input_ids", "labels"),
    "question/answer": ("question", "answer"),
    "instruction/response": ("instruction", "response"),
    "prompt/completion": ("prompt", "completion"),
}
"""The known formats by name, each with the keys that identify it. The first that fits a record is used."""

LARGEST_ID = 2**31 - 1
ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The content of one record: messages, or the tokens of a pre-tokenised row."""

    format: str
    messages: tuple[Message, ...] = ()
    tokens: Tokens | None = None


class _RuleError(Exception):
    """A broken rule; becomes a `Fault` once file and line are known."""

    def __init__(self, rule: str, value: object, fix: str) -> None:
        super().__init__(rule)
        self.rule, self.value, self.fix = rule, short(value), fix


def conversation(record: Mapping[str, object], file: str, line: int) -> Conversation | Fault:
    """Return the conversation of a record, or the first rule that it breaks. Unknown keys are ignored."""
    try:
        name = format_of(record)
        if name == "messages":
            return Conversation(name, _chat(record["messages"]))
        if name == "input_ids/labels":
            return Conversation(name, tokens=_tokens(record))
        return Conversation(name, _pair(record, *FORMATS[name]))
    except _RuleError as broken:
        return Fault(file, line, broken.rule, broken.value, broken.fix)


def turns(messages: tuple[Message, ...]) -> Iterator[tuple[int, tuple[Message, ...]]]:
    """Yield each assistant turn, counted from 0, with the messages up to and including it."""
    answers = (i for i, message in enumerate(messages) if message.role == "assistant")
    for turn, i in enumerate(answers):
        yield turn, messages[: i + 1]


def format_of(record: Mapping[str, object]) -> str:
    """Return the name of the format of a valid record."""
    # Parquet gives every row every column, so formats with values come before formats with mere keys.
    for name, keys in FORMATS.items():
        if all(record.get(key) is not None for key in keys):
            return name
    for name, keys in FORMATS.items():
        if all(key in record for key in keys):
            return name
    value = "the keys " + ", ".join(str(key) for key in record) if record else "no keys"
    if "chosen" in record and "rejected" in record:
        rule = "a row must be a question and its answer: preference pairs (DPO) are not supported"
        raise _RuleError(rule, value, "Use the pairs of a supervised fine-tuning.")
    fix = f"Use the keys of one of these formats: {', '.join(FORMATS)}."
    raise _RuleError("a row must be in a known format", value, fix)


def _pair(record: Mapping[str, object], question: str, answer: str) -> tuple[Message, ...]:
    asked = _text(record[question], f"`{question}`")
    extras = ("input", "context") if question == "instruction" else ()
    parts = [asked, *(text for key in extras if (text := _optional(record, key)).strip())]
    system = _optional(record, "system") or _optional(record, "system_prompt")
    return (
        *([Message("system", system)] if system.strip() else []),
        Message("user", "\n\n".join(parts)),
        Message("assistant", _text(record[answer], f"`{answer}`")),
    )


def _optional(record: Mapping[str, object], key: str) -> str:
    value = record.get(key)
    return "" if value is None else _text(value, f"`{key}`", empty=True)


def _text(value: object, name: str, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise _RuleError(f"{name} must be text", value, "Write it as one string.")
    if not empty and not value.strip():
        raise _RuleError(f"{name} must not be empty", "", "Write its text, or remove the row.")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise _RuleError(f"{name} must be valid Unicode", value, "Remove the lone surrogate.") from None
    return value


def _chat(value: object) -> tuple[Message, ...]:
    items = _list(value, "messages")
    if not items:
        raise _RuleError("`messages` must not be empty", "", "Add a question and an answer, or remove the row.")
    messages = tuple(_message(item, number) for number, item in enumerate(items, 1))
    first = next((message.role for message in messages if message.role != "system"), None)
    if all(message.role != "assistant" for message in messages):
        fix = "Add the assistant's answer, or remove the row."
        raise _RuleError("a conversation must have an assistant turn", "none", fix)
    if first == "assistant":
        rule = "the assistant must not speak first"
        raise _RuleError(rule, messages[-1].content, "Put a user message before it.")
    return messages


def _message(item: object, number: int) -> Message:
    if not isinstance(item, Mapping):
        rule = f"message {number} must be an object with role and content"
        raise _RuleError(rule, item, 'Write {"role": "user", "content": "…"}.')
    message = cast(Mapping[str, object], item)
    role = message.get("role")
    if role not in ROLES:
        fix = "Rename the role, or remove the message."
        raise _RuleError(f"the role of message {number} must be one of {', '.join(ROLES)}", role, fix)
    content = _text(message.get("content"), f"the content of message {number}", empty=role == "system")
    return Message(cast(Role, role), content)


def _list(value: object, key: str) -> list[object]:
    """A list, or the JSON text of one: CSV has no lists."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _RuleError(f"`{key}` must be a list in JSON", value, "Correct its JSON.") from None
    if not isinstance(value, list):
        raise _RuleError(f"`{key}` must be a list", value, "Write it as a list.")
    return cast(list[object], value)


def _tokens(record: Mapping[str, object]) -> Tokens:
    ids, labels = _numbers(record["input_ids"], "input_ids", 0), _numbers(record["labels"], "labels", NO_LOSS)
    if len(ids) != len(labels):
        fix = f"Give each token one label ({NO_LOSS}: no loss)."
        raise _RuleError("`input_ids` and `labels` must be of equal length", f"{len(ids)} and {len(labels)}", fix)
    for place, (token, label) in enumerate(zip(ids, labels, strict=True)):
        if label not in (token, NO_LOSS):
            rule = f"a label must be its own token or {NO_LOSS}"
            raise _RuleError(rule, f"{label} for {token} at {place}", "Do not shift the labels.")
    if all(label == NO_LOSS for label in labels[1:]):
        fix = "Label the answer's tokens, or remove the row."
        raise _RuleError("a label after the first must carry loss", f"none in {len(labels)}", fix)
    return Tokens(ids, labels)


def _numbers(value: object, key: str, smallest: int) -> tuple[int, ...]:
    numbers: list[int] = []
    for place, item in enumerate(_list(value, key)):
        if not isinstance(item, int) or isinstance(item, bool) or not smallest <= item <= LARGEST_ID:
            fix = "Write the tokenizer's ids."
            raise _RuleError(f"`{key}` must hold token ids only", f"{short(item, 30)} at {place}", fix)
        numbers.append(item)
    return tuple(numbers)
