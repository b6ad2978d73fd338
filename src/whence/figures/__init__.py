"""Charts: data in, a Vega-Lite specification or an SVG out. Pure functions."""
