"""The look of charts: colours that are safe for colour blindness (Okabe & Ito 2008), on light and dark backgrounds."""

from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
SUPPORTING, OPPOSING, NEUTRAL = "#0072B2", "#D55E00", "#7f7f7f"
OTHER = "#CC79A7"
"""The colour of a second answer, which neither supports nor opposes."""
INK = "currentColor"
"""Text has the colour of the text around the chart."""
FONT = "system-ui, sans-serif"


def themed(chart: dict[str, Any], description: str) -> dict[str, Any]:
    """Return a chart as a complete Vega-Lite specification, as wide as its container; `description` is for screen
    readers. The page may override its `config`."""
    fit = {"type": "fit-x", "contains": "padding"}
    head = {"$schema": SCHEMA, "description": description, "width": "container", "autosize": fit}
    return {**head, "background": "transparent", **chart, "config": CONFIG}


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
