"""Grouped bars, one per series, each with its standard error."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from whence.figures.svg import Scale, box, colour, drawing, legend, level, line, text, ticks
from whence.figures.theme import SCHEMA

BAR, GAP, HEIGHT, LEFT, TOP, BELOW, LEGEND = 14, 26, 240, 48, 12, 34, 150


@dataclass(frozen=True)
class Bar:
    """One bar. `error`: a standard error (None: unknown)."""

    group: str
    series: str
    value: float
    error: float | None = None


def specification(bars: Sequence[Bar], title: str, quantity: str) -> dict[str, Any]:
    """Return the Vega-Lite specification of a bar chart, data included."""
    place = {
        "x": {"field": "group", "type": "nominal", "sort": None, "title": None},
        "xOffset": {"field": "series", "sort": None},
    }
    y = {"field": "value", "type": "quantitative", "title": quantity}
    colours = {"field": "series", "type": "nominal", "sort": None, "title": None}
    ends = {"y": {"field": "low", "type": "quantitative", "title": quantity}, "y2": {"field": "high"}}
    return {
        "$schema": SCHEMA,
        "title": title,
        "data": {"values": [_row(bar) for bar in bars]},
        "layer": [
            {"mark": "bar", "encoding": {**place, "y": y, "color": colours}},
            {"mark": "rule", "encoding": {**place, **ends}},
        ],
    }


def picture(bars: Sequence[Bar], title: str, quantity: str) -> str:
    """Return the same chart as an SVG."""
    groups, series = list(dict.fromkeys(b.group for b in bars)), list(dict.fromkeys(b.series for b in bars))
    each = len(series) * BAR + GAP
    right, values = LEFT + each * len(groups), _scale(bars)
    parts = [part for value in _levels(bars) for part in level(values, value, LEFT, right)]
    for bar in bars:
        x = LEFT + GAP / 2 + groups.index(bar.group) * each + series.index(bar.series) * BAR
        parts += _bar(bar, x, values, colour(series.index(bar.series)))
    parts.append(line(LEFT, values(0), right, values(0)))
    parts += [text(LEFT + (i + 0.5) * each, TOP + HEIGHT + 20, name, "middle") for i, name in enumerate(groups)]
    parts += legend(series, right + 14, TOP)
    height = max(TOP + HEIGHT + BELOW, TOP + 18 * len(series))
    return drawing(right + LEGEND, height, f"{title}: {quantity}", parts)


def _row(bar: Bar) -> dict[str, Any]:
    error = bar.error or 0.0
    return {**asdict(bar), "low": bar.value - error, "high": bar.value + error}


def _levels(bars: Sequence[Bar]) -> list[float]:
    rows = [_row(bar) for bar in bars]
    return ticks(min(0.0, *(row["low"] for row in rows)), max(0.0, *(row["high"] for row in rows)))


def _scale(bars: Sequence[Bar]) -> Scale:
    levels = _levels(bars)
    return Scale(levels[0], levels[-1], TOP + HEIGHT, TOP)


def _bar(bar: Bar, x: float, values: Scale, fill: str) -> list[str]:
    zero, end = values(0), values(bar.value)
    said = f"{bar.group}, {bar.series}: {bar.value:.3f}" + (f" ± {bar.error:.3f}" if bar.error is not None else "")
    parts = [box(x, min(zero, end), BAR - 2, abs(zero - end), fill, said)]
    if bar.error is not None:
        middle = x + (BAR - 2) / 2
        parts.append(line(middle, values(bar.value - bar.error), middle, values(bar.value + bar.error)))
    return parts
