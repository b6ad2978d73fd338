"""The routes, one folder for each of the three dialects they speak."""
