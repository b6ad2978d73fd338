"""The only reader of environment variables. Each is named `WHENCE_…` and listed in docs/settings.md."""

import math
import os
import re
from pathlib import Path

from platformdirs import user_data_path

from whence.errors import WhenceError

MEBIBYTE = 1 << 20


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


def database_url() -> str:
    """The service's database: `WHENCE_DATABASE_URL`, else a SQLite file in `home()`."""
    given = os.environ.get("WHENCE_DATABASE_URL")
    if not given:
        return f"sqlite:///{home() / 'whence.db'}"
    return given.replace("postgres://", "postgresql://", 1)


def shown_database() -> str:
    """The database as it may be shown: without its password."""
    shown = re.sub(r"^([^/]+://[^/@]*?:)[^/]*@", r"\1***@", database_url())
    return re.sub(r"([?&]password=)[^&]*", r"\1***", shown)


def objects_url() -> str:
    """Where uploaded files lie: `WHENCE_OBJECTS_URL`, any address that fsspec knows, else a folder in `home()`."""
    return os.environ.get("WHENCE_OBJECTS_URL") or str(home() / "objects")


def jobs() -> Path:
    """Where fine-tuning jobs of the service keep their data, runs and indexes."""
    return home() / "jobs"


def base_models() -> dict[str, Path]:
    """Base models of this service besides the known ones, by name: `WHENCE_BASE_MODELS`, folders joined by `:`."""
    listed = os.environ.get("WHENCE_BASE_MODELS", "")
    folders = [Path(part).expanduser() for part in listed.split(os.pathsep) if part]
    return {folder.name: folder for folder in folders}


def hub_models() -> bool:
    """Whether callers of the service may name models of a hub: `WHENCE_HUB_MODELS=1`."""
    return os.environ.get("WHENCE_HUB_MODELS", "") in ("1", "true", "yes")


def largest_upload() -> int:
    """Bytes of the largest upload: `WHENCE_MAX_UPLOAD_MB`, else 1 GiB."""
    return int((_positive("WHENCE_MAX_UPLOAD_MB") or 1024) * MEBIBYTE)


def engine_memory() -> int | None:
    """Bytes that the engines may use together: `WHENCE_ENGINE_MEMORY_MB`, else None (chosen by the machine)."""
    given = _positive("WHENCE_ENGINE_MEMORY_MB")
    return int(given * MEBIBYTE) if given else None


def engine_queue() -> int:
    """Requests that may wait for one engine before further ones are told to come back: `WHENCE_ENGINE_QUEUE`."""
    return math.ceil(_positive("WHENCE_ENGINE_QUEUE") or 16)


def generation_url() -> str | None:
    """An OpenAI-compatible server that does the generating in place of the engines: `WHENCE_GENERATION_URL`."""
    return os.environ.get("WHENCE_GENERATION_URL") or None


def generation_key() -> str | None:
    """The key of that server: `WHENCE_GENERATION_KEY`."""
    return os.environ.get("WHENCE_GENERATION_KEY") or None


def base_url() -> str:
    """The server that clients talk to: `WHENCE_BASE_URL`, else this machine's."""
    return os.environ.get("WHENCE_BASE_URL") or "http://127.0.0.1:8321"


def api_key() -> str | None:
    """The key that clients show to the server: `WHENCE_API_KEY`, else None."""
    return os.environ.get("WHENCE_API_KEY") or None


def engine_secret() -> str:
    """What callers of an engine have to know: `WHENCE_ENGINE_SECRET`, made anew at every start of an engine."""
    return os.environ["WHENCE_ENGINE_SECRET"]


def _positive(name: str) -> float | None:
    """The number in a variable, None if it is not set."""
    given = os.environ.get(name)
    if not given:
        return None
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise WhenceError(f"{name} must be a number greater than 0 (found {given!r}). Correct it, or unset it.")
    return number
