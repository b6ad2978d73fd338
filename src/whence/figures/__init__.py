"""Charts and pages: data in, a Vega-Lite specification, an SVG or HTML out. Pure functions."""
