"""A job needs a database and a base model: those of the platform's and the engine's tests."""

from tests.engine.conftest import base
from tests.platform.conftest import database, kept, objects, postgres_tables, postgres_url, submit, team

__all__ = ["base", "database", "kept", "objects", "postgres_tables", "postgres_url", "submit", "team"]
