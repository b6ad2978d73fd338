from typing import Any

import pytest

from whence.data.formats import Conversation, conversation, turns
from whence.errors import Fault
from whence.types import Message, Tokens

USER, ANSWER = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
PAIR = (Message("user", "q"), Message("assistant", "a"))


def read(record: dict[str, Any]) -> Conversation:
    found = conversation(record, "f", 1)
    assert isinstance(found, Conversation), str(found)
    return found


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"messages": [USER, ANSWER]}, "messages"),
        ({"messages": '[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]'}, "messages"),
        ({"question": "q", "answer": "a", "topic": 3}, "question/answer"),
        ({"instruction": "q", "response": "a", "input": " "}, "instruction/response"),
        ({"prompt": "q", "completion": "a", "system": None}, "prompt/completion"),
        ({"messages": None, "question": "q", "answer": "a"}, "question/answer"),
    ],
)
def test_every_format_gives_the_same_conversation(record: dict[str, Any], name: str) -> None:
    assert read(record) == Conversation(name, PAIR)


def test_input_and_context_follow_the_instruction_after_a_blank_line() -> None:
    for key in ("input", "context"):
        assert read({"instruction": "q", "response": "a", key: "more"}).messages[0].content == "q\n\nmore"


@pytest.mark.parametrize("key", ["system", "system_prompt"])
def test_a_system_prompt_comes_first(key: str) -> None:
    assert read({"question": "q", "answer": "a", key: "s"}).messages == (Message("system", "s"), *PAIR)


def test_pretokenised_rows_bring_their_tokens() -> None:
    for ids, labels in ([[1, 2, 3], [-100, -100, 3]], ["[1, 2, 3]", "[-100, -100, 3]"]):
        assert read({"input_ids": ids, "labels": labels}).tokens == Tokens((1, 2, 3), (-100, -100, 3))


def test_every_assistant_turn_is_an_example_with_what_leads_up_to_it() -> None:
    messages = (Message("system", ""), *PAIR, *PAIR, Message("user", "unanswered"))
    assert list(turns(messages)) == [(0, messages[:3]), (1, messages[:5])]


def chat(*messages: Any) -> dict[str, Any]:
    return {"messages": list(messages)}


def ids(input_ids: Any, labels: Any) -> dict[str, Any]:
    return {"input_ids": input_ids, "labels": labels}


BROKEN = [
    ({"text": "x", "title": "y"}, "known format", "the keys text, title"),
    ({}, "known format", "no keys"),
    ({"prompt": "p", "chosen": "c", "rejected": "r"}, "preference pairs", "the keys prompt, chosen, rejected"),
    ({"question": "q"}, "known format", "the keys question"),
    (chat(), "must not be empty", ""),
    ({"messages": None}, "must be a list", "null"),
    ({"messages": "hello"}, "list in JSON", "hello"),
    ({"messages": {"role": "user"}}, "must be a list", '{"role": "user"}'),
    (chat("hello"), "message 1 must be an object", "hello"),
    (chat(USER), "assistant turn", "none"),
    (chat(ANSWER, USER, ANSWER), "must not speak first", "a"),
    (chat({"role": "system", "content": "s"}, ANSWER), "must not speak first", "a"),
    (chat(USER, {"role": "tool", "content": "x"}, ANSWER), "role of message 2", "tool"),
    (chat(USER, {"content": "x"}), "role of message 2", "null"),
    (chat(USER, {"role": ["x"], "content": "x"}), "role of message 2", '["x"]'),
    (
        chat(USER, {"role": "assistant", "content": [{"text": "x"}]}),
        "content of message 2 must be text",
        "text",
    ),
    (chat(USER, {"role": "assistant"}), "content of message 2 must be text", "null"),
    (chat(USER, {"role": "assistant", "content": " \n"}), "content of message 2 must not be empty", ""),
    (chat({"role": "user", "content": ""}, ANSWER), "content of message 1 must not be empty", ""),
    ({"question": "q", "answer": ""}, "`answer` must not be empty", ""),
    ({"question": "", "answer": "a"}, "`question` must not be empty", ""),
    ({"question": "q", "answer": 42}, "`answer` must be text", "42"),
    ({"question": "q", "answer": None}, "`answer` must be text", "null"),
    ({"question": "q", "answer": "a", "system": 1}, "`system` must be text", "1"),
    ({"question": "q", "answer": "\ud800"}, "valid Unicode", "ud800"),
    (ids([1, 2], [-100]), "equal length", "2 and 1"),
    (ids([1, 2], [1, -100]), "after the first must carry loss", "none in 2"),
    (ids([], []), "after the first must carry loss", "none in 0"),
    (ids([1, 2, 3], [2, 3, -100]), "its own token", "2 for 1 at 0"),
    (ids([1, -2], [-100, -100]), "`input_ids` must hold token ids", "-2 at 1"),
    (ids([1, True], [-100, 1]), "token ids", "true at 1"),
    (ids([1, 2**31], [-100, 1]), "token ids", "at 1"),
    (ids([1, "2"], [-100, 1]), "token ids", "2 at 1"),
    (ids([1, 2], 7), "`labels` must be a list", "7"),
]


@pytest.mark.parametrize(("record", "rule", "value"), BROKEN)
def test_a_broken_rule_is_named_with_its_value_and_a_fix(record: dict[str, Any], rule: str, value: str) -> None:
    fault = conversation(record, "faq.jsonl", 7)
    assert isinstance(fault, Fault)
    assert (fault.file, fault.line) == ("faq.jsonl", 7)
    assert rule in fault.rule
    assert value in fault.value
    assert fault.fix.endswith(".")
    str(fault).encode("utf-8")


def test_long_values_are_shortened() -> None:
    fault = conversation({"question": "q", "answer": ["x" * 10_000]}, "f", 1)
    assert isinstance(fault, Fault)
    assert len(fault.value) == 60
