"""The loss and learning rate of a training run by step."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from whence.figures.theme import NEUTRAL, SUPPORTING, themed

HEIGHT, POINTS = 220, 600
SUMMARY = "The loss and learning rate of the training by step"


@dataclass(frozen=True)
class Step:
    """One step. `learning_rate`: None if unknown."""

    step: int
    loss: float
    learning_rate: float | None = None


def specification(steps: Sequence[Step]) -> dict[str, Any]:
    """Return the Vega-Lite specification of the curve, data included; many steps are averaged in groups."""
    shown = thinned(steps)
    x = {"field": "step", "type": "quantitative", "title": "step", "axis": {"grid": False, "tickMinStep": 1}}
    rated = [_rate(x)] if any(s.learning_rate is not None for s in shown) else []
    return themed(
        {
            "height": HEIGHT,
            "data": {"values": [asdict(s) for s in shown]},
            "layer": [*rated, _curve(x)],
            "resolve": {"scale": {"y": "independent"}},
        },
        SUMMARY,
    )


def thinned(steps: Sequence[Step]) -> list[Step]:
    """Return at most `POINTS` steps, each the mean of a group of equal size, numbered by its last step."""
    size = -(-len(steps) // POINTS) or 1
    parts = [steps[first : first + size] for first in range(0, len(steps), size)]
    return [_mean(part) for part in parts]


def _mean(part: Sequence[Step]) -> Step:
    rates = [s.learning_rate for s in part if s.learning_rate is not None]
    return Step(part[-1].step, fmean(s.loss for s in part), fmean(rates) if rates else None)


def _rate(x: dict[str, Any]) -> dict[str, Any]:
    axis = {"orient": "right", "grid": False, "format": "~g", "labelColor": NEUTRAL, "titleColor": NEUTRAL}
    y = {"field": "learning_rate", "type": "quantitative", "title": "learning rate", "axis": axis}
    mark = {"type": "line", "color": NEUTRAL, "opacity": 0.45, "strokeDash": [4, 3], "strokeWidth": 1.5}
    return {"mark": mark, "encoding": {"x": x, "y": y}}


def _curve(x: dict[str, Any]) -> dict[str, Any]:
    words = (("step", "step", ","), ("loss", "loss", ".4~g"), ("learning_rate", "learning rate", ".3~g"))
    tooltip = [{"field": field, "title": title, "format": form} for field, title, form in words]
    y = {"field": "loss", "type": "quantitative", "title": "loss", "axis": {"orient": "left"}}
    mark = {"type": "line", "color": SUPPORTING, "strokeWidth": 2, "point": {"size": 12, "color": SUPPORTING}}
    return {"mark": mark, "encoding": {"x": x, "y": y, "tooltip": tooltip}}
