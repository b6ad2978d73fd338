"""How charts look: colours that colour-blind people tell apart (Okabe & Ito 2008), on light ground and on dark."""

from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SUPPORTING, OPPOSING, NEUTRAL = "#0072B2", "#D55E00", "#7f7f7f"
OTHER = "#CC79A7"
"""Another answer beside one in the colour of what supports: it opposes nothing."""
INK = "currentColor"
"""Letters have the colour of the text around the chart."""
FONT = "system-ui, sans-serif"


def themed(chart: dict[str, Any], said: str) -> dict[str, Any]:
    """A chart as a whole Vega-Lite specification, as wide as its place; `said` describes it to those who do not see
    it. Its `config` may be laid over by whoever shows it."""
    fit = {"type": "fit-x", "contains": "padding"}
    head = {"$schema": SCHEMA, "description": said, "width": "container", "autosize": fit, "background": "transparent"}
    return {**head, **chart, "config": CONFIG}


CONFIG: dict[str, Any] = {
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 12,
        "domainColor": NEUTRAL,
        "tickColor": NEUTRAL,
        "gridColor": NEUTRAL,
        "gridOpacity": 0.2,
    },
    "legend": {"labelColor": INK, "titleColor": INK, "orient": "top", "title": None, "labelLimit": 280},
    "title": {"color": INK, "fontWeight": "normal", "anchor": "start"},
}
