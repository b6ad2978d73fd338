"""Measurements of Whence: faithful recall, and speed as a ratio to a limit taken in the same run."""
