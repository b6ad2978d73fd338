"""The only reader of environment variables. Each is named `WHENCE_…` and listed in docs/settings.md."""

import os
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """Where Whence keeps what is its own: models, default runs. `WHENCE_HOME`, else the user's data folder."""
    chosen = os.environ.get("WHENCE_HOME")
    return Path(chosen).expanduser() if chosen else user_data_path("whence", appauthor=False)


def models() -> Path:
    """Where converted base models lie."""
    return home() / "models"


def runs() -> Path:
    """Where runs go that were given no folder."""
    return home() / "runs"


def base_url() -> str:
    """The server that clients talk to: `WHENCE_BASE_URL`, else this machine's."""
    return os.environ.get("WHENCE_BASE_URL") or "http://127.0.0.1:8321"


def api_key() -> str | None:
    """The key that clients show to the server: `WHENCE_API_KEY`, else None."""
    return os.environ.get("WHENCE_API_KEY") or None
