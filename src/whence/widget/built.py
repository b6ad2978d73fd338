"""The widget's JavaScript and style, which the build of the package makes of the page's own parts (web/)."""

from pathlib import Path

from whence.errors import MissingError

FOLDER = Path(__file__).parent / "static"
SCRIPT, STYLE = "widget.js", "widget.css"


def is_built() -> bool:
    """Whether they are there: a checkout that was never built has none."""
    return (FOLDER / SCRIPT).is_file()


def script() -> str:
    """The JavaScript.

    Raises:
        MissingError: it was not built.
    """
    if not is_built():
        raise MissingError(
            f"The widget's parts are made when the package is built ({FOLDER / SCRIPT} is not there). "
            "Install the package again, or show the attribution itself: it is HTML then."
        )
    return (FOLDER / SCRIPT).read_text("utf-8")


def style() -> str:
    """The style; none where the script brings it along."""
    path = FOLDER / STYLE
    return path.read_text("utf-8") if path.is_file() else ""
