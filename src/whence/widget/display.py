"""What a notebook shows of an attribution."""

import sys
from importlib.util import find_spec
from typing import Any

from whence.figures.attribution import fragment
from whence.types import Attribution
from whence.widget.built import is_built


def shown(found: Attribution) -> dict[str, Any]:
    """An attribution by kind of medium: text and HTML always, a widget where a person's notebook can hold one.

    Viewers that know no widgets take the HTML, and so do those of a notebook whose kernel is gone.
    """
    media: dict[str, Any] = {"text/plain": str(found), "text/html": fragment(found)}
    return {**_widget(found), **media} if is_built() and in_notebook() and find_spec("anywidget") else media


def in_notebook() -> bool:
    """Whether a person's notebook runs the cell, which tells the kernel which cell that is.

    What runs cells for nobody (nbclient, nbconvert, papermill) does not. It would keep the widget's state, and to show
    that takes a network; the HTML beside it takes none.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    return kernel is not None and bool(kernel.get_parent("shell").get("metadata"))


def _widget(found: Attribution) -> dict[str, Any]:
    from whence.widget.attribution import AttributionWidget

    return AttributionWidget(found).media()
