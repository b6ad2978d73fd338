"""An attribution as a widget: what one selects in the answer is explained anew."""

from typing import Any

import anywidget
import traitlets

from whence.errors import WhenceError
from whence.figures.distribution import marks_of, specification
from whence.types import Attribution
from whence.widget.built import script, style

Selection = list[int] | None


class AttributionWidget(anywidget.AnyWidget):
    """An attribution that one can look into: `AttributionWidget(found, index)`.

    With the index that it came from (or its run, or where that lies), a part of the answer that is selected in the
    notebook, or set as `selection`, is explained in its place; None brings the whole back. `attribution` is the JSON of
    what is shown, `charts` its Vega-Lite specifications; `busy` while a part is being explained; `error` says why one
    was not. `found` is what is shown as a `whence.Attribution`.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    attribution = traitlets.Dict().tag(sync=True)
    charts = traitlets.Dict().tag(sync=True)
    selection = traitlets.List(traitlets.Int(), allow_none=True, default_value=None).tag(sync=True)
    can_select = traitlets.Bool(False).tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)
    error = traitlets.Unicode(None, allow_none=True).tag(sync=True)

    def __init__(self, attribution: Attribution, index: Any = None, system_prompt: str | None = None) -> None:
        """`system_prompt` is the one that the answer was given under; an attribution does not tell it."""
        self._whole, self._index, self._system_prompt = attribution, index, system_prompt
        chosen = list(attribution.selection) if attribution.selection else None
        super().__init__(
            _esm=script(),
            _css=style(),
            can_select=index is not None and attribution.instead is None,
            selection=chosen,
            attribution=json_of(attribution),
            charts=charts_of(attribution),
        )
        self.found = attribution
        self.observe(self._selected, "selection")

    def show(self, found: Attribution) -> None:
        """None; the widget shows this attribution now."""
        self.found = found
        self.set_trait("charts", charts_of(found))
        self.set_trait("attribution", json_of(found))

    def media(self) -> dict[str, Any]:
        """The widget by kind of medium, as a notebook takes it."""
        bundle = self._repr_mimebundle_()
        return dict(bundle[0]) if bundle else {}

    def _selected(self, change: dict[str, Any]) -> None:
        self.error, self.busy = None, True
        try:
            self.show(self._explained(change["new"]))
        except WhenceError as error:
            self.error = str(error)
        finally:
            self.busy = False

    def _explained(self, selection: Selection) -> Attribution:
        whole = self._whole
        if selection == (list(whole.selection) if whole.selection else None):
            return whole
        if self._index is None:
            raise WhenceError("A part of an answer is explained by an index. Make the widget with one.")
        from whence.pipeline import attribute  # with torch, which only this needs

        return attribute(
            self._index,
            whole.question,
            whole.answer,
            self._system_prompt,
            whole.trust.false_discovery_rate,
            selection=(selection[0], selection[-1]) if selection else None,
            groups=tuple(dict.fromkeys(group.kind for group in whole.groups)),
            instead=whole.instead,
        )


def json_of(found: Attribution) -> dict[str, Any]:
    """An attribution as the front end reads it."""
    return {**found.to_dict(), "sentence": found.sentence}


def charts_of(found: Attribution) -> dict[str, Any]:
    """The charts of an attribution by name; none where its scores were not kept."""
    if found.distribution is None:
        return {}
    return {"distribution": specification(found.distribution, marks_of(found))}
