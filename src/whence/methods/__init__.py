"""Ways to attribute: one file each, under one protocol, held to one contract."""
