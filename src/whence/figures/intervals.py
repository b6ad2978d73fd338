"""Measured quantities with their intervals and predictions, one per row. Narrow enough for a phone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from whence.figures.svg import GRID, Scale, colour, dot, drawing, line, text, ticks

WIDTH, SIDE, ROW, TOP, BELOW, LETTERS = 360, 14, 46, 50, 44, 54
MEASURED, PREDICTED, EXACT, CONTROL = colour(0), colour(1), colour(3), colour(4)


@dataclass(frozen=True)
class Row:
    """One quantity. `each`: the values whose mean is `measured`; `low` and `high`: its interval (None: unknown).
    `predicted`, `exact`: predictions (None: none). `control`: True for random pairs."""

    label: str
    measured: float
    low: float | None
    high: float | None
    each: tuple[float, ...]
    predicted: float | None = None
    exact: float | None = None
    control: bool = False


def picture(rows: Sequence[Row], title: str, quantity: str) -> str:
    """Return the chart as an SVG."""
    steps = ticks(*_range(rows), count=6)
    across = Scale(steps[0], steps[-1], SIDE + 6, WIDTH - SIDE)
    bottom = TOP + ROW * len(rows)
    parts = [line(across(x), TOP - 4, across(x), bottom, GRID) for x in steps]
    parts += [text(across(x), bottom + 16, f"{x:g}", "middle") for x in steps]
    parts += [line(across(0), TOP - 4, across(0), bottom), text(WIDTH / 2, bottom + 36, quantity, "middle")]
    parts += _legend(rows)
    for place, row in enumerate(rows):
        parts += _drawn(row, TOP + ROW * place, across)
    return drawing(WIDTH, bottom + BELOW, f"{title}: {quantity}", parts)


def _range(rows: Sequence[Row]) -> tuple[float, float]:
    values = [0.0]
    for row in rows:
        values += [value for value in (row.low, row.high, row.predicted, row.exact, *row.each) if value is not None]
    return min(values), max(values)


def _drawn(row: Row, top: float, across: Scale) -> Iterator[str]:
    label = row.label if len(row.label) <= LETTERS else row.label[: LETTERS - 1] + "…"
    fill, y = CONTROL if row.control else MEASURED, top + 28
    yield text(SIDE, top + 13, label)
    for value in row.each:
        yield line(across(value), y - 4, across(value), y + 4, fill)
    title = f"{row.label}: {row.measured:.2f} measured"
    if row.low is not None and row.high is not None:
        yield line(across(row.low), y, across(row.high), y, fill, 2)
        title += f", {row.low:.2f} to {row.high:.2f}"
    yield dot(across(row.measured), y, fill, title)
    if row.predicted is not None:
        yield diamond(across(row.predicted), y + 9, PREDICTED, f"{row.label}: {row.predicted:.2f} predicted")
    if row.exact is not None:
        yield diamond(across(row.exact), y + 9, EXACT, f"{row.label}: {row.exact:.2f} by the exact derivative")


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    yield dot(SIDE + 3, 10, MEASURED, "measured")
    yield text(SIDE + 12, 14, "measured, 95 % interval")
    if any(row.control for row in rows):
        yield dot(SIDE + 173, 10, CONTROL, "random pairs")
        yield text(SIDE + 182, 14, "random pairs")
    if any(row.predicted is not None for row in rows):
        yield diamond(SIDE + 3, 28, PREDICTED, "predicted")
        yield text(SIDE + 12, 32, "predicted by the method")
    if any(row.exact is not None for row in rows):
        yield diamond(SIDE + 173, 28, EXACT, "exact")
        yield text(SIDE + 182, 32, "exact derivative")


def diamond(x: float, y: float, fill: str, title: str) -> str:
    """Return a filled diamond; `title` is its tooltip."""
    corners = f"{x:.1f},{y - 4:.1f} {x + 4:.1f},{y:.1f} {x:.1f},{y + 4:.1f} {x - 4:.1f},{y:.1f}"
    return f'<polygon points="{corners}" fill="{fill}"><title>{escape(title)}</title></polygon>'
