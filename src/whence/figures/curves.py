"""Curves, one per series, each point with its standard error."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from whence.figures.svg import GRID, Scale, colour, dot, drawing, legend, level, line, path, text, ticks
from whence.figures.theme import SCHEMA

LEFT, TOP, WIDTH, HEIGHT, BELOW, LEGEND = 56, 12, 420, 240, 46, 150


@dataclass(frozen=True)
class Point:
    """One point. `error`: a standard error (None: unknown)."""

    series: str
    x: float
    y: float
    error: float | None = None


def specification(points: Sequence[Point], title: str, across: str, up: str) -> dict[str, Any]:
    """Return the Vega-Lite specification of a line chart, data included."""
    x = {"field": "x", "type": "quantitative", "title": across}
    colours = {"field": "series", "type": "nominal", "sort": None, "title": None}
    ends = {"y": {"field": "low", "type": "quantitative", "title": up}, "y2": {"field": "high"}}
    y = {"field": "y", "type": "quantitative", "title": up}
    return {
        "$schema": SCHEMA,
        "title": title,
        "data": {"values": [_row(point) for point in points]},
        "layer": [
            {"mark": {"type": "line", "point": True}, "encoding": {"x": x, "y": y, "color": colours}},
            {"mark": "rule", "encoding": {"x": x, **ends, "color": colours}},
        ],
    }


def picture(points: Sequence[Point], title: str, across: str, up: str) -> str:
    """Return the same chart as an SVG."""
    series, rows = list(dict.fromkeys(p.series for p in points)), [_row(p) for p in points]
    steps = ticks(min(0.0, *(row["low"] for row in rows)), max(0.0, *(row["high"] for row in rows)))
    marks = sorted({p.x for p in points})
    right, bottom = LEFT + WIDTH, TOP + HEIGHT
    ups, acrosses = Scale(steps[0], steps[-1], bottom, TOP), Scale(0, marks[-1], LEFT, right)
    parts = [part for value in steps for part in level(ups, value, LEFT, right)]
    parts += [line(acrosses(x), bottom, acrosses(x), bottom + 5, GRID) for x in marks]
    parts += [text(acrosses(x), bottom + 18, f"{x:g}", "middle") for x in marks]
    parts += [line(LEFT, ups(0), right, ups(0)), text((LEFT + right) / 2, bottom + 38, across, "middle")]
    for place, name in enumerate(series):
        parts += _curve([p for p in points if p.series == name], acrosses, ups, colour(place))
    parts += legend(series, right + 14, TOP)
    return drawing(right + LEGEND, max(bottom + BELOW, TOP + 18 * len(series)), f"{title}: {up}", parts)


def _row(point: Point) -> dict[str, Any]:
    error = point.error or 0.0
    return {**asdict(point), "low": point.y - error, "high": point.y + error}


def _curve(points: Sequence[Point], acrosses: Scale, ups: Scale, stroke: str) -> list[str]:
    parts = [path([(acrosses(p.x), ups(p.y)) for p in points], stroke)]
    for p in points:
        x = acrosses(p.x)
        said = f"{p.series}, {p.x:g}: {p.y:.3f}" + (f" ± {p.error:.3f}" if p.error is not None else "")
        if p.error is not None:
            parts.append(line(x, ups(p.y - p.error), x, ups(p.y + p.error), stroke))
        parts.append(dot(x, ups(p.y), stroke, said))
    return parts
