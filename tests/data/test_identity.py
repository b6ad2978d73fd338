from pathlib import Path
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from whence.data.identity import canonical, content_key, example_id, file_id, hub_id
from whence.types import Message, Tokens

anything = st.text(st.characters())  # lone surrogates too
messages = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), anything)).map(tuple)
numbers = st.lists(st.integers(-100, 2**31 - 1)).map(tuple)
content = messages | st.builds(Tokens, numbers, numbers)
place = st.tuples(st.uuids().map(str), st.integers(1, 10**9), st.integers(0, 100))


@given(place, content, place, content)
def test_ids_differ_just_where_place_or_content_do(a: tuple, x, b: tuple, y) -> None:
    assert (example_id(*a, x) == example_id(*b, y)) == ((a, x) == (b, y))
    assert example_id(*a, x) == example_id(*a, x)
    assert UUID(example_id(*a, x)).version == 5


@given(content, content)
def test_keys_of_content_differ_just_where_the_content_does(x, y) -> None:
    assert (content_key(x) == content_key(y)) == (x == y)
    assert len(content_key(x)) == 16
    assert canonical(x).isascii()


def test_the_id_of_an_example_never_changes() -> None:
    pair = (Message("user", "Why?"), Message("assistant", "Because."))
    assert example_id("f", 3, 0, pair) == "28dcd5f4-d967-50fc-9aad-d590b433904d"


def test_a_file_is_known_by_its_bytes_not_its_name(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("a", "b", "c"))
    one.write_bytes(b"x")
    same.write_bytes(b"x")
    other.write_bytes(b"y")
    assert file_id(one) == file_id(same) == "7fcc33a8-70f9-5c2a-ad63-dc519b1aa510"
    assert file_id(one) != file_id(other)


def test_a_hub_split_is_known_by_its_revision() -> None:
    assert hub_id("hub:a/b:train", "1") == hub_id("hub:a/b:train", "1") != hub_id("hub:a/b:train", "2")
