"""Artifacts and row files on disk."""
