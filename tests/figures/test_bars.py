from xml.etree import ElementTree

import pytest

from whence.figures.bars import Bar, picture, specification
from whence.figures.svg import colour

SVG = "{http://www.w3.org/2000/svg}"
BARS = [
    Bar("all", "fisher", 0.5, 0.1),
    Bar("all", "bm25", -0.25, 0.05),
    Bar("wrong", "fisher", 0.25, 0.0),
    Bar("wrong", "bm25", 0.1),
]


def test_the_specification_holds_the_data_and_the_ends_of_the_errors():
    made = specification(BARS, "Title", "LDS")
    values = made["data"]["values"]
    assert [(v["group"], v["series"], v["value"]) for v in values] == [(b.group, b.series, b.value) for b in BARS]
    assert [v["low"] for v in values] == pytest.approx([0.4, -0.3, 0.25, 0.1])
    assert [v["high"] for v in values] == pytest.approx([0.6, -0.2, 0.25, 0.1])
    fields = {c["field"] for layer in made["layer"] for c in layer["encoding"].values()}
    assert fields <= set(values[0])


def test_bars_are_as_high_as_their_values():
    root = ElementTree.fromstring(picture(BARS, "Title", "LDS"))
    drawn = [r for r in root.iter(f"{SVG}rect") if r.find(f"{SVG}title") is not None]
    heights = [float(r.attrib["height"]) for r in drawn]
    assert heights == pytest.approx([b * heights[0] / 0.5 for b in (0.5, 0.25, 0.25, 0.1)], abs=0.11)
    zero = float(drawn[0].attrib["y"]) + heights[0]
    assert float(drawn[1].attrib["y"]) == pytest.approx(zero, abs=0.11)  # it hangs down
    assert [r.attrib["fill"] for r in drawn] == [colour(0), colour(1)] * 2
    assert [float(r.attrib["x"]) for r in drawn] == sorted(float(r.attrib["x"]) for r in drawn)
    titles = [r.findtext(f"{SVG}title") for r in drawn]
    assert titles[0] == "all, fisher: 0.500 ± 0.100"
    assert titles[3] == "wrong, bm25: 0.100"


def test_names_and_errors_are_drawn():
    root = ElementTree.fromstring(picture(BARS, "Title", "LDS"))
    words = [t.text for t in root.iter(f"{SVG}text")]
    assert {"all", "wrong", "fisher", "bm25", "0"} <= set(words)
    upright = [e for e in root.iter(f"{SVG}line") if e.attrib["x1"] == e.attrib["x2"]]
    assert len(upright) == 3
