"""The dossier of an audited answer: its attribution, the effect of retraining without it, and how to repeat it.

audit.json: {"verdict": sentences, "audit": the dossier}
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from whence.auditing.effects import Effect, Outcome

DOSSIER = "audit.json"


@dataclass(frozen=True)
class ShortlistedPair:
    """A pair on the shortlist. `copies`: the places of other pairs with the same content."""

    id: str
    place: str
    question: str
    answer: str
    score: float
    share: float | None
    level: str | None
    copies: tuple[str, ...] = ()

    @staticmethod
    def of(found: Mapping[str, Any]) -> "ShortlistedPair":
        """Return a pair from its JSON object."""
        fields: dict[str, Any] = {**found, "copies": tuple(found["copies"])}
        return ShortlistedPair(**fields)


@dataclass(frozen=True)
class Exact:
    """The exact derivative: how well it predicted replays without parts of the data, or why it was refused."""

    refusal: str | None = None
    agreement: float | None = None
    explained: float | None = None


@dataclass(frozen=True)
class Provenance:
    """The inputs of an audit: the method with its settings, hashes of all inputs, the recipe and versions."""

    method: str
    settings: Mapping[str, Any]
    unit: str
    inputs: Mapping[str, str]
    recipe: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Dossier:
    """An audited answer.

    `explained`: the answer, or the part of it that was selected; `lift`: what fine-tuning contributed to it, in nats,
    and `needed` the least lift worth explaining. `pairs`: the number in the run. `seeds`: the run's own first.
    `whole`: the outcome of training on all pairs. `effects`: of every omission, including random controls; empty if
    nothing stood out. `seconds`: the duration of all retrainings. `command` repeats the audit.
    """

    run: str
    question: str
    answer: str
    explained: str
    generated: bool
    lift: float
    needed: float
    pairs: int
    seeds: tuple[int, ...]
    shortlist: tuple[ShortlistedPair, ...]
    whole: Outcome
    effects: tuple[Effect, ...]
    source: Provenance
    command: str
    exact: Exact | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def deciding(self) -> Effect | None:
        """The effect that decides the verdict: of the whole shortlist, or of its only pair; None without effects."""
        together = (effect for effect in self.effects if effect.omission.kind == "shortlist")
        return next(together, self.effects[0] if self.effects else None)

    def control(self, effect: Effect) -> Effect | None:
        """Return the random control of an effect; None if it has none."""
        return next((e for e in self.effects if e.omission.name == effect.omission.control), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of this dossier, each effect with its finding."""
        made = asdict(self)
        for effect, found in zip(made["effects"], self.effects, strict=True):
            effect["finding"] = found.finding
        return made

    @staticmethod
    def of(found: Mapping[str, Any]) -> "Dossier":
        """Return a dossier from the JSON object of `to_dict`."""
        fields: dict[str, Any] = {
            **found,
            "seeds": tuple(found["seeds"]),
            "shortlist": tuple(map(ShortlistedPair.of, found["shortlist"])),
            "whole": Outcome.of(found["whole"]),
            "effects": tuple(map(Effect.of, found["effects"])),
            "source": Provenance(**found["source"]),
            "exact": Exact(**found["exact"]) if found["exact"] else None,
            "notes": tuple(found["notes"]),
        }
        return Dossier(**fields)


def read_dossier(folder: Path) -> Dossier:
    """Return the dossier in an audit's folder."""
    return Dossier.of(json.loads((folder / DOSSIER).read_text("utf-8"))["audit"])
