"""A histogram of all pairs' scores for one answer, over the null, as Vega-Lite and SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import sqrt
from typing import Any

from whence.figures.svg import GRID, INK, Scale, box, drawing, line, text, ticks
from whence.figures.theme import NEUTRAL, OPPOSING, SUPPORTING, themed
from whence.types import Attribution, Distribution

HEIGHT = 220
LEFT, RIGHT, TOP, BELOW, ROW = 44, 12, 16, 46, 18
"""Margins of the SVG, and the height of a legend row."""
LETTERS = 15
"""The least distance between two labels of an axis."""
WIDE, NARROW = 640, 350
"""Widths of the SVG: on a desktop, and on a phone."""
SUMMARY = "Number of pairs by score for this answer, and the number expected if no pair had caused it"


@dataclass(frozen=True)
class Mark:
    """A returned pair: its score and its label."""

    score: float
    label: str


def marks_of(found: Attribution) -> list[Mark]:
    """Return a mark for each pair that an attribution returned, of either sign."""
    return [Mark(r.score, f"{r.file}:{r.line}") for r in (*found.results, *found.opposing)]


def specification(spread: Distribution, marks: Sequence[Mark] = ()) -> dict[str, Any]:
    """Return the Vega-Lite specification of the histogram, data included.

    Its parameter `bin` holds the ends of the bin under the pointer, `lo` and `hi`.
    """
    x = {"field": "lo", "type": "quantitative", "title": quantity(spread), "axis": {"grid": False}}
    y = {"field": "count", "type": "quantitative", "title": "pairs", "scale": {"type": "sqrt"}, "stack": None}
    return themed(
        {
            "height": HEIGHT,
            "data": {"values": rows(spread)},
            "layer": [_expected(spread, x, y), _bars(x, y), *_marks(spread, marks, x, y), _pointing(x)],
        },
        SUMMARY,
    )


def rows(spread: Distribution) -> list[dict[str, Any]]:
    """Return one row per bin: its ends, its number of pairs, and the number expected under the null."""
    bins = zip(pairwise(spread.edges), spread.counts, spread.null, strict=True)
    return [
        {"lo": lo, "hi": hi, "count": count, "null": expected, "side": "opposing" if hi <= 0 else "supporting"}
        for (lo, hi), count, expected in bins
    ]


def quantity(spread: Distribution) -> str:
    """Return the name of the scores with their unit."""
    return f"score in {spread.unit}" if spread.unit == "nats" else f"score ({spread.unit})"


def _expected(spread: Distribution, x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    points = [{"lo": edge, "null": n} for edge, n in zip(spread.edges, (*spread.null, 0.0), strict=True)]
    look = {"type": "area", "interpolate": "step-after", "color": NEUTRAL, "opacity": 0.35}
    edge = {"color": NEUTRAL, "strokeWidth": 1, "opacity": 1}
    return {
        "data": {"values": points},
        "mark": {**look, "line": edge},
        "encoding": {"x": x, "y": {**y, "field": "null"}},
    }


def _bars(x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    colours = {"domain": ["supporting", "opposing"], "range": [SUPPORTING, OPPOSING]}
    return {
        "mark": {"type": "bar", "binSpacing": 1},
        "encoding": {
            "x": {**x, "bin": "binned"},
            "x2": {"field": "hi"},
            "y": y,
            "color": {"field": "side", "type": "nominal", "scale": colours, "legend": None},
            "opacity": {"condition": {"param": "bin", "value": 1, "empty": False}, "value": 0.8},
        },
    }


def _marks(
    spread: Distribution, marks: Sequence[Mark], x: dict[str, Any], y: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if not marks:
        return
    placed = [{"lo": m.score, "count": spread.counts[place_of(spread, m.score)], "pair": m.label} for m in marks]
    tooltip = [{"field": "pair", "title": "pair"}, {"field": "lo", "title": quantity(spread), "format": ".2f"}]
    yield {
        "data": {"values": placed},
        "mark": {"type": "point", "shape": "triangle-down", "filled": True, "color": "currentColor", "yOffset": -7},
        "encoding": {"x": x, "y": y, "tooltip": tooltip},
    }


def _pointing(x: dict[str, Any]) -> dict[str, Any]:
    """Return invisible columns of full height, so that empty bins and low bars have tooltips."""
    chosen = {"type": "point", "fields": ["lo", "hi"], "on": "pointerover", "clear": "pointerout", "toggle": False}
    words = (("lo", "from", ".4~g"), ("hi", "to", ".4~g"), ("count", "pairs", ","), ("null", "expected", ",.1f"))
    tooltip = [{"field": field, "title": title, "format": form} for field, title, form in words]
    return {
        "params": [{"name": "bin", "select": chosen}],
        "mark": {"type": "rect", "opacity": 0},
        "encoding": {"x": {**x, "bin": "binned"}, "x2": {"field": "hi"}, "tooltip": tooltip},
    }


def place_of(spread: Distribution, score: float) -> int:
    """Return the index of the bin that holds a score."""
    inside = sum(edge <= score for edge in spread.edges) - 1
    return min(max(inside, 0), len(spread.counts) - 1)


def picture(spread: Distribution, marks: Sequence[Mark] = (), width: int = WIDE) -> str:
    """Return the same chart as an SVG."""
    keys = _legend(bool(marks), width)
    top = TOP + ROW * (1 + max(row for row, _, _ in keys))
    bottom, right = top + HEIGHT, width - RIGHT
    across = Scale(spread.edges[0], spread.edges[-1], LEFT, right)
    highest = max(1.0, *spread.counts, *spread.null)
    up = Scale(0, sqrt(highest), bottom, top)
    parts = [*_levels(highest, up, right), *_numbers(spread, across, bottom, width), _null(spread, across, up)]
    parts += [_bar(row, across, up, spread.unit) for row in rows(spread)]
    parts += [_arrow(mark, spread, across, up) for mark in marks]
    parts += [line(LEFT, bottom, right, bottom), text((LEFT + right) / 2, bottom + 38, quantity(spread), "middle")]
    for row, x, (sign, words) in keys:
        parts += [_sign(sign, x, row * ROW + 2), text(x + 16, row * ROW + 12, words)]
    return drawing(width, bottom + BELOW, SUMMARY, parts)


def _levels(highest: float, up: Scale, right: float) -> Iterator[str]:
    """Yield grid lines at round numbers of pairs, spaced so that their labels do not overlap."""
    below = up(0) + LETTERS
    for count in (0, *(n * 10**power for power in range(9) for n in (1, 2, 5))):
        y = up(sqrt(count))
        if count <= highest and y <= below - LETTERS:
            yield line(LEFT, y, right, y, GRID)
            yield text(LEFT - 6, y + 4, f"{count:,}", "end")
            below = y


def _numbers(spread: Distribution, across: Scale, bottom: float, width: int) -> Iterator[str]:
    for value in ticks(spread.edges[0], spread.edges[-1], width // 80):
        if spread.edges[0] <= value <= spread.edges[-1]:
            yield line(across(value), bottom, across(value), bottom + 4)
            yield text(across(value), bottom + 17, f"{value:g}", "middle")


def _null(spread: Distribution, across: Scale, up: Scale) -> str:
    corners = [(across(spread.edges[0]), up(0))]
    for (lo, hi), expected in zip(pairwise(spread.edges), spread.null, strict=True):
        y = up(sqrt(expected))
        corners += [(across(lo), y), (across(hi), y)]
    corners.append((across(spread.edges[-1]), up(0)))
    placed = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<polygon points="{placed}" fill="{NEUTRAL}" fill-opacity="0.4" stroke="{NEUTRAL}"/>'


def _bar(row: dict[str, Any], across: Scale, up: Scale, unit: str) -> str:
    left, right, top = across(row["lo"]), across(row["hi"]), up(sqrt(row["count"]))
    title = f"{row['lo']:g} to {row['hi']:g} {unit}: {row['count']:,} pairs, {row['null']:,.1f} expected"
    fill = OPPOSING if row["side"] == "opposing" else SUPPORTING
    return box(left + 0.5, top, max(right - left - 1, 0.5), up(0) - top, fill, title)


def _arrow(mark: Mark, spread: Distribution, across: Scale, up: Scale) -> str:
    x, y = across(mark.score), up(sqrt(spread.counts[place_of(spread, mark.score)])) - 3
    corners = f"{x:.1f},{y:.1f} {x - 4:.1f},{y - 7:.1f} {x + 4:.1f},{y - 7:.1f}"
    title = escape(f"{mark.label}: {mark.score:.2f} {spread.unit}")
    return f'<polygon points="{corners}" fill="{INK}"><title>{title}</title></polygon>'


def _legend(marked: bool, width: int) -> list[tuple[int, int, tuple[str, str]]]:
    """Return row, place, colour and label of each legend entry, wrapped to the width."""
    signs = [(SUPPORTING, "for the answer"), (OPPOSING, "against it"), (NEUTRAL, "expected by chance")]
    placed: list[tuple[int, int, tuple[str, str]]] = []
    row, x = 0, LEFT
    for sign, words in [*signs, *([(INK, "returned pairs")] if marked else [])]:
        wide = 32 + 7 * len(words)
        row, x = (row + 1, LEFT) if x + wide > width and x > LEFT else (row, x)
        placed.append((row, x, (sign, words)))
        x += wide
    return placed


def _sign(fill: str, x: float, y: float) -> str:
    if fill == INK:
        return f'<polygon points="{x + 5.5},{y + 9} {x + 1.5},{y + 2} {x + 9.5},{y + 2}" fill="{INK}"/>'
    return f'<g fill-opacity="{0.4 if fill == NEUTRAL else 1}">{box(x, y, 11, 11, fill)}</g>'
