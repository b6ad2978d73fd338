"""How good an index is, measured on the run that it belongs to."""
