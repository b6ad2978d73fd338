"""Histograms of two answers' scores back to back, in shared bins."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from whence.figures.distribution import quantity
from whence.figures.theme import INK, NEUTRAL, OTHER, SUPPORTING, themed
from whence.types import Distribution

HEIGHT = 340
ONE_BELOW_THE_OTHER = {"columns": 1, "labelLimit": 260, "symbolType": "square"}
SUMMARY = "Number of pairs by score for each of two answers"


def specification(left: Distribution, right: Distribution, names: tuple[str, str]) -> dict[str, Any]:
    """Return the Vega-Lite specification of both histograms in one unit, each over its null; `left` is on the left.

    Its parameter `bin` holds the ends of the bin under the pointer, `lo` and `hi`.
    """
    edges = shared_edges(left, right)
    values = [row for side in ((left, -1, names[0]), (right, 1, names[1])) for row in _rows(*side, edges)]
    y = {"field": "lo", "type": "quantitative", "title": quantity(left), "axis": {"grid": False}}
    x = {
        "field": "signed",
        "type": "quantitative",
        "title": "pairs",
        "stack": None,
        "scale": {"type": "sqrt"},
        "axis": {"labelExpr": "format(abs(datum.value), ',')"},
    }
    layers = [_null(x, y), _bars(x, y, names), _middle(), _pointing(y, names, values)]
    return themed({"height": HEIGHT, "data": {"values": values}, "layer": layers}, SUMMARY)


def shared_edges(one: Distribution, other: Distribution) -> list[float]:
    """Return the ends of shared bins, each made of whole bins of both: widths are powers of two."""
    width = max(one.edges[1] - one.edges[0], other.edges[1] - other.edges[0])
    low = min(one.edges[0], other.edges[0]) // width
    high = -(-max(one.edges[-1], other.edges[-1]) // width)
    return [place * width for place in range(int(low), int(high) + 1)]


def rebinned(spread: Distribution, values: Sequence[float], edges: Sequence[float]) -> list[float]:
    """Return a distribution's per-bin `values` (`counts` or `null`), summed over the shared bins."""
    bins = list(zip(spread.edges, values, strict=False))
    return [sum(value for low, value in bins if lo <= low < hi) for lo, hi in pairwise(edges)]


def _rows(spread: Distribution, sign: int, name: str, edges: Sequence[float]) -> list[dict[str, Any]]:
    counts, expected = rebinned(spread, spread.counts, edges), rebinned(spread, spread.null, edges)
    return [
        {"lo": lo, "hi": hi, "answer": name, "count": n, "signed": sign * n, "null": m, "expected": sign * m}
        for (lo, hi), n, m in zip(pairwise(edges), counts, expected, strict=True)
    ]


def _bars(x: dict[str, Any], y: dict[str, Any], names: tuple[str, str]) -> dict[str, Any]:
    colours = {"domain": list(names), "range": [SUPPORTING, OTHER]}
    return {
        "mark": {"type": "bar", "binSpacing": 1, "orient": "horizontal"},
        "encoding": {
            "y": {**y, "bin": "binned"},
            "y2": {"field": "hi"},
            "x": x,
            "color": {
                "field": "answer",
                "type": "nominal",
                "scale": colours,
                "sort": None,
                "legend": ONE_BELOW_THE_OTHER,
            },
            "opacity": {"condition": {"param": "bin", "value": 1, "empty": False}, "value": 0.8},
        },
    }


def _null(x: dict[str, Any], y: dict[str, Any]) -> dict[str, Any]:
    return {
        "mark": {"type": "bar", "orient": "horizontal", "binSpacing": 0, "color": NEUTRAL, "opacity": 0.35},
        "encoding": {"y": {**y, "bin": "binned"}, "y2": {"field": "hi"}, "x": {**x, "field": "expected"}},
    }


def _middle() -> dict[str, Any]:
    return {"mark": {"type": "rule", "color": INK}, "encoding": {"x": {"datum": 0}}}


def _pointing(y: dict[str, Any], names: tuple[str, str], values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return invisible rows of full width, so that empty bins and short bars have tooltips."""
    half = len(values) // 2
    pairs = zip(values[:half], values[half:], strict=True)
    bins = [{"lo": one["lo"], "hi": one["hi"], "left": one["count"], "right": other["count"]} for one, other in pairs]
    chosen = {"type": "point", "fields": ["lo", "hi"], "on": "pointerover", "clear": "pointerout", "toggle": False}
    words = (("lo", "from", ".4~g"), ("hi", "to", ".4~g"), ("left", names[0], ","), ("right", names[1], ","))
    tooltip = [{"field": field, "title": title, "format": form} for field, title, form in words]
    return {
        "data": {"values": bins},
        "params": [{"name": "bin", "select": chosen}],
        "mark": {"type": "rect", "opacity": 0},
        "encoding": {"y": {**y, "bin": "binned"}, "y2": {"field": "hi"}, "tooltip": tooltip},
    }
