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
