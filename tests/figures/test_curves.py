from xml.etree import ElementTree

import pytest

from whence.figures.curves import HEIGHT, LEFT, TOP, WIDTH, Point, picture, specification

SVG = "{http://www.w3.org/2000/svg}"
POINTS = [Point("fisher", 1, -2.0, 0.5), Point("fisher", 4, -6.0, 1.0), Point("random", 1, 0.0), Point("random", 4, -1)]


def test_the_specification_holds_the_data_and_the_ends_of_the_errors():
    made = specification(POINTS, "Removal", "pairs", "nats")
    values = made["data"]["values"]
    assert [(v["series"], v["x"], v["y"]) for v in values] == [(p.series, p.x, p.y) for p in POINTS]
    assert [(v["low"], v["high"]) for v in values[:3]] == [(-2.5, -1.5), (-7, -5), (0, 0)]


def test_curves_go_through_their_points():
    root = ElementTree.fromstring(picture(POINTS, "Removal", "pairs removed", "nats"))
    lines = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    dots = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter(f"{SVG}circle")]
    assert [tuple(map(float, place.split(","))) for line in lines for place in line] == dots
    assert [x for x, _ in dots] == pytest.approx([LEFT + WIDTH / 4, LEFT + WIDTH] * 2, abs=0.1)
    heights = [y for _, y in dots]
    assert heights[2] == pytest.approx(TOP, abs=0.1)  # zero is the top of what never rises
    assert max(heights) < TOP + HEIGHT
    assert (heights[1] - heights[2]) / (heights[0] - heights[2]) == pytest.approx(3, abs=0.02)


def test_each_error_is_drawn_where_it_is_known():
    root = ElementTree.fromstring(picture(POINTS, "Removal", "pairs removed", "nats"))
    strokes = [
        e for e in root.iter(f"{SVG}line") if e.attrib["x1"] == e.attrib["x2"] and e.attrib["stroke"][1:4] != "ddd"
    ]
    assert len(strokes) == 2
    assert "pairs removed" in [t.text for t in root.iter(f"{SVG}text")]
