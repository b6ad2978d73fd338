"""What a notebook shows of an attribution."""

import sys
from importlib.util import find_spec
from typing import Any

from whence.figures.attribution import fragment
from whence.types import Attribution
from whence.widget.built import is_built


def shown(found: Attribution) -> dict[str, Any]:
    """An attribution by kind of medium: text and HTML always, a widget where a kernel can hold one.

    Viewers that know no widgets take the HTML, and so do those of a notebook whose kernel is gone.
    """
    media: dict[str, Any] = {"text/plain": str(found), "text/html": fragment(found)}
    return {**_widget(found), **media} if is_built() and in_kernel() and find_spec("anywidget") else media


def in_kernel() -> bool:
    """Whether this process is the kernel of a notebook: a terminal has no use for widgets."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None


def _widget(found: Attribution) -> dict[str, Any]:
    from whence.widget.attribution import AttributionWidget

    return AttributionWidget(found).media()
