from math import sqrt
from xml.etree import ElementTree

import pytest

from tests.figures.vegalite import assert_valid, validator
from whence.figures.distribution import HEIGHT, Mark, picture, place_of, specification
from whence.figures.theme import NEUTRAL, OPPOSING, SUPPORTING
from whence.types import Distribution

SVG = "{http://www.w3.org/2000/svg}"
SPREAD = Distribution((-4.0, -2.0, 0.0, 2.0, 4.0, 6.0), (1, 81, 64, 0, 4), (2.5, 75.0, 70.0, 2.4, 0.1), "nats")
MARKS = (Mark(5.5, "faq.jsonl:69"), Mark(4.0, "<b>:1"))


def test_the_specification_is_sound_vega_lite_with_and_without_marks():
    assert_valid(specification(SPREAD, MARKS))
    assert_valid(specification(SPREAD))


def test_the_schema_tells_a_wrong_specification():
    wrong = specification(SPREAD)
    wrong["layer"][1]["mark"] = {"type": "bars"}
    assert list(validator().iter_errors(wrong))


def test_the_rows_are_the_bins():
    rows = specification(SPREAD)["data"]["values"]
    assert [(r["lo"], r["hi"]) for r in rows] == list(zip(SPREAD.edges[:-1], SPREAD.edges[1:], strict=True))
    assert tuple(r["count"] for r in rows) == SPREAD.counts
    assert tuple(r["null"] for r in rows) == SPREAD.null
    assert [r["side"] for r in rows] == ["opposing"] * 2 + ["supporting"] * 3


def test_pointing_at_a_bin_tells_its_ends():
    layers = specification(SPREAD)["layer"]
    (pointed,) = [layer for layer in layers if "params" in layer]
    (param,) = pointed["params"]
    assert param["name"] == "bin"
    assert (param["select"]["fields"], param["select"]["on"]) == (["lo", "hi"], "pointerover")
    assert "y" not in pointed["encoding"]  # as high as the chart: empty bins, too


def test_it_shows_on_any_ground_and_as_wide_as_its_place():
    made = specification(SPREAD)
    assert (made["width"], made["background"]) == ("container", "transparent")
    assert made["config"]["axis"]["labelColor"] == "currentColor"
    assert all(layer["encoding"]["y"]["scale"] == {"type": "sqrt"} for layer in made["layer"][:2])


@pytest.mark.parametrize(("score", "place"), [(-4.0, 0), (-0.1, 1), (0.0, 2), (5.9, 4), (6.0, 4), (7.0, 4), (-9.0, 0)])
def test_a_score_lies_in_its_bin(score: float, place: int):
    assert place_of(SPREAD, score) == place


def test_the_bars_of_the_picture_are_as_high_as_the_roots_of_their_counts():
    root = ElementTree.fromstring(picture(SPREAD, MARKS))
    drawn = [r for r in root.iter(f"{SVG}rect") if r.find(f"{SVG}title") is not None]
    heights = [float(r.attrib["height"]) for r in drawn]
    assert heights == pytest.approx([HEIGHT * sqrt(n) / 9 for n in SPREAD.counts], abs=0.11)
    assert [r.attrib["fill"] for r in drawn] == [OPPOSING] * 2 + [SUPPORTING] * 3
    assert drawn[1].findtext(f"{SVG}title") == "-2 to 0 nats: 81 pairs, 75.0 expected"


def test_the_picture_shows_the_null_and_the_returned_pairs():
    root = ElementTree.fromstring(picture(SPREAD, MARKS))
    shapes = list(root.iter(f"{SVG}polygon"))
    (null,) = [s for s in shapes if s.attrib["fill"] == NEUTRAL]
    assert len(null.attrib["points"].split()) == 2 * len(SPREAD.counts) + 2
    titles = [s.findtext(f"{SVG}title") for s in shapes if s.find(f"{SVG}title") is not None]
    assert titles == ["faq.jsonl:69: 5.50 nats", "<b>:1: 4.00 nats"]
    words = {t.text for t in root.iter(f"{SVG}text")}
    assert {"score in nats", "returned pairs", "0", "50"} <= words
    assert "returned pairs" not in picture(SPREAD)


def test_an_empty_index_of_scores_can_still_be_drawn():
    flat = Distribution((0.0, 1.0), (3,), (3.0,), "similarity")
    assert_valid(specification(flat))
    assert "similarity" in picture(flat)
