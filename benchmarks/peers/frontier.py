"""Faithfulness against the time of a question, as an SVG: each contender a point with its standard error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 480, 64, 190, 34, 54
OURS, OTHER, INK, PALE = "#1f6feb", "#8a5a00", "#222222", "#d8d8d8"
LINE = 13
"""Pixels between two labels at the least."""


@dataclass(frozen=True)
class Dot:
    """A contender: seconds for one question asked alone, its score and the standard error of that."""

    name: str
    seconds: float
    score: float
    error: float
    ours: bool


@dataclass(frozen=True)
class Axes:
    """The positions of seconds (log scale) and scores on the page."""

    seconds: tuple[float, float]
    scores: tuple[float, float]

    @staticmethod
    def around(dots: Sequence[Dot]) -> "Axes":
        """Axes that contain every dot with its error."""
        powers = [math.log10(max(dot.seconds, 1e-4)) for dot in dots]
        low = min(0.0, *(dot.score - dot.error for dot in dots))
        high = max(0.1, *(dot.score + dot.error for dot in dots))
        return Axes((math.floor(min(powers)), math.ceil(max(powers) + 1e-9)), (low - 0.02, high + 0.02))

    def x(self, seconds: float) -> float:
        """Pixels from the left."""
        start, end = self.seconds
        return LEFT + (math.log10(max(seconds, 1e-4)) - start) / max(end - start, 1) * (WIDTH - LEFT - RIGHT)

    def y(self, score: float) -> float:
        """Pixels from the top."""
        start, end = self.scores
        return HEIGHT - BOTTOM - (score - start) / (end - start) * (HEIGHT - TOP - BOTTOM)


def frontier(dots: Sequence[Dot], title: str) -> str:
    """The SVG of the dots."""
    axes = Axes.around(dots)
    parts = [*_grid(axes), *_labels(dots, axes), *(_dot(dot, axes) for dot in dots)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="{INK}"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>'
    )
    return "\n".join([head, *parts, "</svg>\n"])


def _grid(axes: Axes) -> list[str]:
    found: list[str] = []
    bottom = HEIGHT - BOTTOM
    for power in range(int(axes.seconds[0]), int(axes.seconds[1]) + 1):
        x = axes.x(10.0**power)
        found.append(f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="{PALE}"/>')
        found.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{10.0**power:g}</text>')
    for tenth in range(math.ceil(axes.scores[0] * 10), math.floor(axes.scores[1] * 10) + 1):
        y = axes.y(tenth / 10)
        found.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{PALE}"/>')
        found.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:.1f}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    found.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">seconds for one question, one core</text>')
    turn = f"translate(18 {(TOP + bottom) / 2}) rotate(-90)"
    found.append(f'<text transform="{turn}" text-anchor="middle">faithfulness (LDS)</text>')
    return found


def _dot(dot: Dot, axes: Axes) -> str:
    x, colour = axes.x(dot.seconds), OURS if dot.ours else OTHER
    low, high = axes.y(dot.score - dot.error), axes.y(dot.score + dot.error)
    bar = f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}"/>'
    return f'{bar}<circle cx="{x:.1f}" cy="{axes.y(dot.score):.1f}" r="4" fill="{colour}"/>'


def _labels(dots: Sequence[Dot], axes: Axes) -> list[str]:
    """Names in a column at the right, ordered by score, each with a line to its dot."""
    ordered = sorted(dots, key=lambda dot: -dot.score)
    places = _apart([axes.y(dot.score) for dot in ordered])
    found: list[str] = []
    for dot, y in zip(ordered, places, strict=True):
        x, colour = WIDTH - RIGHT + 14, OURS if dot.ours else OTHER
        path = f"M{axes.x(dot.seconds):.1f} {axes.y(dot.score):.1f}L{x - 4} {y:.1f}"
        found.append(f'<path d="{path}" stroke="{colour}" stroke-opacity="0.3" fill="none"/>')
        found.append(f'<text x="{x}" y="{y + 4:.1f}" fill="{colour}">{escape(dot.name)}</text>')
    return found


def _apart(wanted: Sequence[float]) -> list[float]:
    """Heights in order, at least one line apart, moved up together at the end of the page."""
    found: list[float] = []
    for y in wanted:
        found.append(max(y, found[-1] + LINE) if found else y)
    over = max(0.0, found[-1] - (HEIGHT - BOTTOM)) if found else 0.0
    return [y - over for y in found]
