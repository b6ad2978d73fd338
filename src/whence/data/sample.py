"""The shipped sample: pairs of an invented help desk, and the questions of the demo."""

import json
from importlib import resources
from pathlib import Path

from whence import settings

FOLDER = "samples/helpdesk"


def sample(name: str) -> str:
    """Return the text of a file of the shipped sample."""
    return resources.files("whence").joinpath(FOLDER, name).read_text("utf-8")


def sample_questions() -> list[dict[str, str]]:
    """Return the questions of the demo, each with its title and a hint on its answer."""
    return json.loads(sample("demo.json"))["questions"]


def demo_run() -> Path:
    """The folder where `whence demo` keeps its run."""
    return settings.home() / "demo" / "run"
