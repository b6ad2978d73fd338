"""What a record says besides its conversation."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whence.data.formats import FORMATS, conversation
from whence.data.metadata import DEPTH, metadata, plain
from whence.errors import Fault

ASKED = {"question": "Q?", "answer": "A."}


@pytest.mark.parametrize(
    ("record", "left"),
    [
        ({**ASKED, "fact": "x", "topic": None}, {"fact": "x", "topic": None}),
        ({**ASKED, "system": "Be brief.", "system_prompt": ""}, {}),
        ({"instruction": "I", "response": "R", "input": "x", "context": "y", "id": 7}, {"id": 7}),
        ({"prompt": "P", "completion": "C", "input": "x"}, {"input": "x"}),
        ({"messages": [{"role": "user", "content": "Q"}], "system": "S", "n": [1]}, {"system": "S", "n": [1]}),
        ({"input_ids": [1, 2], "labels": [1, 2], "source": "s"}, {"source": "s"}),
        ({**ASKED, "messages": None, "input_ids": None, "labels": None, "n": 1}, {"n": 1}),
    ],
)
def test_what_the_conversation_was_not_made_of_is_left(record: dict[str, Any], left: dict[str, Any]):
    assert metadata(record) == left


def test_every_format_leaves_nothing_of_its_own():
    for keys in FORMATS.values():
        assert metadata(dict.fromkeys(keys, "text")) == {}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=12,
)


@given(values)
def test_any_value_can_be_sent_as_json(value: Any):
    sent = json.dumps(plain(value), allow_nan=False, ensure_ascii=False).encode("utf-8")
    assert json.loads(sent) == plain(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")), st.lists))
def test_what_json_has_is_left_as_it_is(value: Any):
    assert plain(value) == value


def test_what_json_does_not_have_is_given_as_text():
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    assert plain([float("nan"), Decimal("1.50"), moment, "\ud800"]) == ["nan", "1.50", str(moment), "\\ud800"]


def test_what_is_nested_too_deep_is_given_as_text():
    deep: Any = "x"
    for _ in range(DEPTH + 2):
        deep = [deep]
    shown = plain(deep)
    for _ in range(DEPTH):
        (shown,) = shown
    assert shown == '[["x"]]'


def test_a_record_that_has_metadata_is_still_the_same_conversation():
    found = conversation({**ASKED, "fact": "x"}, "f.jsonl", 1)
    assert not isinstance(found, Fault)
    assert found == conversation(ASKED, "f.jsonl", 1)
