"""Structured logs: one JSON object a line on standard error. Keys and answers never appear in them."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

QUIET = ("httpx", "httpcore", "alembic", "dbos", "filelock", "asyncio", "multipart")


def start_logging(process: str) -> None:
    """Send the logs of this process to standard error, each line with the name of the process."""
    handler = logging.StreamHandler(sys.stderr)
    fields = {"asctime": "time", "levelname": "level", "name": "logger"}
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=fields, static_fields={"process": process}
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
