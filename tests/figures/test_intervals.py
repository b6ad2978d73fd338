from xml.etree import ElementTree

import pytest

from whence.figures.intervals import CONTROL, MEASURED, TOP, Row, picture
from whence.figures.svg import INK

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [
    Row("pair faq.jsonl:61 & more", 30.0, 20.0, 40.0, (28.0, 32.0), predicted=25.0, exact=10.0),
    Row("random", 0.0, -5.0, 5.0, (-1.0, 1.0), control=True),
    Row("alone", 12.0, None, None, (12.0,)),
]


def titled(root: ElementTree.Element, tag: str) -> dict[str, ElementTree.Element]:
    return {str(mark.findtext(f"{SVG}title")): mark for mark in root.iter(SVG + tag)}


def middle(diamond: ElementTree.Element) -> float:
    return sum(float(corner.split(",")[0]) for corner in diamond.attrib["points"].split()) / 4


def test_marks_stand_where_their_numbers_are():
    root = ElementTree.fromstring(picture(ROWS, "Title", "nats"))
    dots, diamonds = titled(root, "circle"), titled(root, "polygon")
    zero = float(dots["random: 0.00 measured, -5.00 to 5.00"].attrib["cx"])
    ten = middle(diamonds["pair faq.jsonl:61 & more: 10.00 by the exact derivative"]) - zero
    measured = dots["pair faq.jsonl:61 & more: 30.00 measured, 20.00 to 40.00"]
    assert float(measured.attrib["cx"]) - zero == pytest.approx(3 * ten, abs=0.4)
    assert middle(diamonds["pair faq.jsonl:61 & more: 25.00 predicted"]) - zero == pytest.approx(2.5 * ten, abs=0.4)
    assert float(dots["alone: 12.00 measured"].attrib["cx"]) - zero == pytest.approx(1.2 * ten, abs=0.4)
    upright = [mark for mark in root.iter(f"{SVG}line") if mark.attrib["stroke"] == INK]
    assert [float(mark.attrib["x1"]) for mark in upright] == pytest.approx([zero])
    assert measured.attrib["fill"] == MEASURED
    assert dots["random: 0.00 measured, -5.00 to 5.00"].attrib["fill"] == CONTROL


def test_an_interval_reaches_from_its_low_to_its_high_end():
    root = ElementTree.fromstring(picture(ROWS, "Title", "nats"))
    thick = [mark for mark in root.iter(f"{SVG}line") if mark.attrib["stroke-width"] == "2"]
    assert len(thick) == 2  # one number alone has none
    lengths = [float(mark.attrib["x2"]) - float(mark.attrib["x1"]) for mark in thick]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=0.3)


def test_what_is_not_there_is_not_in_the_legend():
    words = [node.text for node in ElementTree.fromstring(picture(ROWS[2:], "Title", "nats")).iter(f"{SVG}text")]
    assert "measured, 95 % interval" in words
    assert not {"random pairs", "predicted by the method", "exact derivative"} & set(words)


def test_a_long_label_is_cut_so_that_it_stays_inside():
    long = Row("x" * 200, 1.0, None, None, (1.0,))
    (label,) = [t for t in ElementTree.fromstring(picture([long], "T", "n")).iter(f"{SVG}text") if "xx" in str(t.text)]
    assert len(str(label.text)) <= 54
    assert float(label.attrib["y"]) > TOP
