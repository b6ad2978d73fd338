"""Processes that hold a model: one that answers and attributes, and one for each stage of a job."""
