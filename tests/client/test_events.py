"""The parser against the specification's own rules, whole and cut anywhere."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from whence.client.events import EventParser, ServerEvent

STREAM = (
    "event: progress\ndata: eins\u2028zwei\u2029\u0085 €\r\n\r\n"
    ": ping\n\n"
    "data:a\ndata: b\rdata\n\n"
    "id: 4\nevent: end\n\n"
)
EVENTS = [
    ServerEvent("progress", "eins\u2028zwei\u2029\u0085 €"),
    ServerEvent("message", "a\nb\n"),
    ServerEvent("end", ""),
]


def parsed(chunks: list[bytes]) -> list[ServerEvent]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def test_lines_end_only_where_the_specification_says():
    assert parsed([STREAM.encode()]) == EVENTS


def test_byte_by_byte_it_is_the_same():
    assert parsed([bytes([byte]) for byte in STREAM.encode()]) == EVENTS


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=8))
def test_where_the_network_cuts_makes_no_difference(cuts: list[int]):
    text = STREAM.encode()
    bounds = [0, *sorted(cuts), len(text)]
    assert parsed([text[a:b] for a, b in pairwise(bounds)]) == EVENTS


def test_an_event_without_its_blank_line_is_not_complete():
    assert parsed([b"data: half\n"]) == []


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
def test_any_text_on_one_line_comes_through(text: str):
    assert parsed([f"data: {text}\n\n".encode()]) == [ServerEvent("message", text)]
