"""Attributions in notebooks: as HTML everywhere, and as a widget that answers where there is a kernel.

The widget needs `pip install 'whence[notebook]'`; nothing else here does.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whence.widget.attribution import AttributionWidget as AttributionWidget

__all__ = ["AttributionWidget"]


def __getattr__(name: str) -> Any:
    """The widget, imported when it is first used: HTML is shown without what it needs."""
    if name != "AttributionWidget":
        raise AttributeError(f"module 'whence.widget' has no attribute {name!r}")
    from whence.widget.attribution import AttributionWidget

    return AttributionWidget
