"""An answer and the training examples that made it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whence.types.influence import Distribution, Group, Influence
from whence.types.trust import Lift, Trust

Shown = Callable[["Attribution"], dict[str, Any]]
"""What notebooks show of an attribution, by kind of medium."""

_shown: list[Shown] = []


def show_by(shown: Shown) -> None:
    """None; notebooks show attributions by `shown` from now on. What draws them lies above this room, so it has to be
    told, and is when `whence` is imported."""
    _shown[:] = [shown]


@dataclass(frozen=True, slots=True)
class Attribution:
    """An answer and the training examples that made it, most influential first.

    `results` holds the supporting pairs that stand out from the null at the stated false-discovery rate;
    `opposing` those that made the answer less likely. `unit` is "nats" or "similarity". `selection` is the part of the
    answer that lift and scores speak of, by characters, half open (None: all of it). `groups` are the sets of pairs
    that were asked for and stand out, kind by kind. With `instead`, another answer to the question, lift and scores
    speak of what made this answer rather than that one. `distribution` is that of the scores of all pairs.
    """

    question: str
    answer: str
    results: tuple[Influence, ...]
    opposing: tuple[Influence, ...]
    lift: Lift
    method: str
    unit: str
    trust: Trust
    generated: bool = True
    version: str = "v0"
    selection: tuple[int, int] | None = None
    groups: tuple[Group, ...] = ()
    instead: str | None = None
    distribution: Distribution | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON that every door returns."""
        return {
            "version": self.version,
            "question": self.question,
            "answer": self.answer,
            "generated": self.generated,
            "selection": list(self.selection) if self.selection else None,
            "instead": self.instead,
            "results": [r.to_dict() for r in self.results],
            "opposing": [r.to_dict() for r in self.opposing],
            "groups": [group.to_dict() for group in self.groups],
            "method": self.method,
            "unit": self.unit,
            "lift": {
                "total": self.lift.total,
                "fine_tuned": self.lift.fine_tuned,
                "base": self.lift.base,
                "tokens": self.lift.tokens,
                "needed": self.lift.needed,
            },
            "trust": self.trust.to_dict(),
            "distribution": self.distribution.to_dict() if self.distribution else None,
        }

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The attribution as a notebook shows it: as a widget where it can be one, as HTML and as text."""
        return _shown[0](self) if _shown else {"text/plain": str(self)}

    def _repr_html_(self) -> str | None:
        """The attribution as HTML, for viewers that ask for nothing else."""
        return self._repr_mimebundle_().get("text/html")

    @property
    def sentence(self) -> str:
        """One plain sentence for a person who does not read numbers."""
        if self.instead is not None:
            return self._preference
        if self.lift.total < 1:
            return "Fine-tuning contributed nothing to this answer: the base model gives it by itself."
        if not self.lift.enough:
            return "Fine-tuning contributed nothing particular to this answer: unrelated ones moved as much."
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
        return f"That the model says this rather than the other was learned mainly from {self._sources}."

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
