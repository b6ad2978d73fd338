"""The shipped sample: pairs of an invented help desk, and the questions that show what can be seen in them."""

import json
from importlib import resources
from pathlib import Path

from whence import settings

FOLDER = "samples/helpdesk"


def sample(name: str) -> str:
    """The text of a file of the shipped sample."""
    return resources.files("whence").joinpath(FOLDER, name).read_text("utf-8")


def sample_questions() -> list[dict[str, str]]:
    """The demo's questions, each with its title and with what to look for."""
    return json.loads(sample("demo.json"))["questions"]


def demo_run() -> Path:
    """The folder where `whence demo` keeps its run."""
    return settings.home() / "demo" / "run"
