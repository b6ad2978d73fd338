"""An answer and the training pairs that made it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from whence.types.influence import Distribution, Group, Influence, Unit
from whence.types.trust import Lift, Trust
from whence.types.wire import Noun

Shown = Callable[["Attribution"], dict[str, Any]]
"""A notebook's view of an attribution, by media type."""

_shown: list[Shown] = []
SELECTION = {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]}
"""The schema of a selection: generators of clients do not agree on tuples."""


def set_repr(shown: Shown) -> None:
    """Let notebooks show attributions by `shown`. It is registered when `whence` is imported, since this package must
    not import the widget."""
    _shown[:] = [shown]


@dataclass(frozen=True, slots=True)
class Attribution(Noun):
    """An answer and the training pairs that made it, the most influential first.

    `results` are the supporting pairs that stand out from the null at the stated false-discovery rate, `opposing` those
    that made the answer less likely, `groups` the requested groups that stand out. `selection` is the part of the
    answer that lift and scores refer to, by characters, half open (None: all of it). With `instead`, another answer to
    the question, they refer to what made this answer rather than that one. `distribution` has the scores of all pairs.
    """

    question: str
    answer: str
    results: tuple[Influence, ...]
    opposing: tuple[Influence, ...]
    lift: Lift
    method: str
    unit: Unit
    trust: Trust
    generated: bool = True
    version: Literal["v0"] = "v0"
    selection: tuple[int, int] | None = field(default=None, metadata={"json_schema_extra": SELECTION})
    groups: tuple[Group, ...] = ()
    instead: str | None = None
    distribution: Distribution | None = None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The attribution for a notebook: as a widget where possible, as HTML and as text."""
        return _shown[0](self) if _shown else {"text/plain": str(self)}

    def _repr_html_(self) -> str | None:
        """The attribution as HTML, for viewers that ask for nothing else."""
        return self._repr_mimebundle_().get("text/html")

    @property
    def sentence(self) -> str:
        """The result in one sentence without numbers."""
        if self.instead is not None:
            return self._preference
        if self.lift.total < 1:
            return "Fine-tuning contributed nothing to this answer: the base model gives it by itself."
        if not self.lift.enough:
            return "Fine-tuning changed this answer no more than it changed unrelated answers."
        if not self.results:
            return "No training pair stands out: this answer was learned from the data as a whole."
        return f"This answer was learned mainly from {self._sources}."

    @property
    def _preference(self) -> str:
        if self.lift.total < 1:
            return "Fine-tuning did not make this answer likelier than the other one."
        if not self.lift.enough:
            return "Fine-tuning favours this answer no more than it favours one unrelated answer over another."
        if not self.results:
            return "No training pair stands out: the data as a whole favour this answer over the other one."
        return f"The preference for this answer over the other one was learned mainly from {self._sources}."

    @property
    def _sources(self) -> str:
        first, more = self.results[0], len(self.results) - 1
        others = f" and {more} other pair{'s' if more > 1 else ''}" if more else ""
        return f"{first.file}:{first.line}{others}"

    def __str__(self) -> str:
        """A table for the terminal."""
        rows = [f"{self.answer}", "", self.sentence]
        for r in self.results:
            source = f"{r.file}:{r.line}"
            text = " ".join(r.messages[-1].content.split()) if r.messages else r.id
            rows.append(f"{r.level:<7}{r.score:>9.2f}{r.share:>7.0%}  {source}  {text}")
        for g in self.groups:
            rows.append(f"{g.level:<7}{g.score:>9.2f}{g.share:>7.0%}  {g.kind} {g.name} ({g.size} pairs)")
        return "\n".join(rows)
