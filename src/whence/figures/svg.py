"""SVG elements, scales and ticks for charts. No fonts, scripts or external files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

PALETTE = ("#3b6fb6", "#d1722d", "#3f8f5b", "#a34a8f", "#8a8a8a", "#b5a02c", "#4aa3b5", "#7a5c3e")
GRID, INK = "#dddddd", "#333333"


@dataclass(frozen=True)
class Scale:
    """A linear scale: `low` lies at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a number."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers that enclose the range from `low` to `high`."""
    width = (high - low) or abs(high) or 1.0
    power = 10 ** math.floor(math.log10(width / count))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if width / (power * m) <= count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def colour(place: int) -> str:
    """Return the colour of the series with this index."""
    return PALETTE[place % len(PALETTE)]


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = INK, width: float = 1) -> str:
    """Return a line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width:g}"/>'


def box(x: float, y: float, width: float, height: float, fill: str, title: str = "") -> str:
    """Return a filled rectangle; `title` is its tooltip."""
    inner = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}">{inner}</rect>'


def dot(x: float, y: float, fill: str, title: str) -> str:
    """Return a filled circle; `title` is its tooltip."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{fill}"><title>{escape(title)}</title></circle>'


def path(points: Sequence[tuple[float, float]], stroke: str) -> str:
    """Return a line through points."""
    placed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{placed}" fill="none" stroke="{stroke}" stroke-width="1.5"/>'


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Return a text on one line."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(words)}</text>'


def level(values: Scale, value: float, left: float, right: float) -> list[str]:
    """Return a horizontal grid line with its number on the left."""
    y = values(value)
    return [line(left, y, right, y, GRID), text(left - 6, y + 4, f"{value:g}", "end")]


def legend(names: Sequence[str], x: float, y: float) -> list[str]:
    """Return the series' names, one per row, each with its colour."""
    rows = [(y + 18 * place, name, colour(place)) for place, name in enumerate(names)]
    return [part for top, name, fill in rows for part in (box(x, top, 11, 11, fill), text(x + 16, top + 10, name))]


def drawing(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """Return a complete SVG; `title` describes it to screen readers."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, *parts, "</svg>"])
