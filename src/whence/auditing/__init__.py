"""Audits of answers: the model is retrained without the attributed pairs, and a report compares its answers."""
