import itertools
from xml.etree import ElementTree

import pytest

from whence.figures import svg
from whence.figures.svg import Scale, ticks


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-0.31, 0.72, [-0.5, -0.25, 0, 0.25, 0.5, 0.75]),
        (0, 12, [0, 2.5, 5, 7.5, 10, 12.5]),
        (-30, 0, [-30, -20, -10, 0]),
    ],
)
def test_ticks_are_round_and_enclose_the_range(low: float, high: float, wanted: list[float]):
    assert ticks(low, high) == wanted


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 3), (-2, -2), (0.001, 0.0011), (-1e6, 2e6)])
def test_ticks_enclose_any_range_in_even_steps(low: float, high: float):
    found = ticks(low, high)
    assert found[0] <= low <= high <= found[-1]
    assert found[0] < found[-1]
    steps = [b - a for a, b in itertools.pairwise(found)]
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert len(found) <= 8


def test_a_scale_puts_the_ends_where_they_belong():
    scale = Scale(-1, 3, 200, 0)
    assert (scale(-1), scale(3), scale(1)) == (200, 0, 100)


def test_words_cannot_leave_their_element():
    picture = svg.drawing(10, 10, '"<b>', [svg.text(0, 0, "<script>&"), svg.dot(0, 0, "red", "a<b")])
    root = ElementTree.fromstring(picture)
    assert root.attrib["aria-label"] == '"<b>'
    assert [element.text for element in root.iter() if element.text and element.text.strip()] == ["<script>&", "a<b"]
