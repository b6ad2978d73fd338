"""Insights into a run's own data: pairs that look wrong, contradictions, and the sources of errors."""
