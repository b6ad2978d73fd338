"""The dossier of an audited answer: what it was attributed to, what retraining without that did, and how to repeat it.

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
    """A pair on the shortlist. `copies`: the places where the same content stands again."""

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
        """A suspect from its JSON."""
        fields: dict[str, Any] = {**found, "copies": tuple(found["copies"])}
        return ShortlistedPair(**fields)


@dataclass(frozen=True)
class Exact:
    """The exact derivative: how well it foretold replays without parts of the data, or why there is none."""

    refusal: str | None = None
    agreement: float | None = None
    explained: float | None = None


@dataclass(frozen=True)
class Provenance:
    """What the audit was made from: the method with its settings, hashes of all inputs, versions and the recipe."""

    method: str
    settings: Mapping[str, Any]
    unit: str
    inputs: Mapping[str, str]
    recipe: Mapping[str, Any]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Dossier:
    """An answer, audited.

    `explained` is the answer, or the part of it that was asked about; `lift` what fine-tuning contributed to it, of
    which `needed` is the least that is worth explaining, in nats. `pairs`: those of the run. `seeds`: the run's own
    first. `whole`: the models of all pairs. `effects`: of every omission, its random control among them; none where
    nothing stood out. `seconds`: what the retrainings took together. `command` repeats it.
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
        """The effect that the verdict rests on: of the whole shortlist, or its only pair; None without any."""
        together = (effect for effect in self.effects if effect.omission.kind == "shortlist")
        return next(together, self.effects[0] if self.effects else None)

    def control(self, effect: Effect) -> Effect | None:
        """The random control of an effect; None where there is none."""
        return next((e for e in self.effects if e.omission.name == effect.omission.control), None)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of this dossier; each effect with its finding."""
        made = asdict(self)
        for effect, found in zip(made["effects"], self.effects, strict=True):
            effect["finding"] = found.finding
        return made

    @staticmethod
    def of(found: Mapping[str, Any]) -> "Dossier":
        """A dossier that `to_dict` made JSON of."""
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
    """The dossier in an audit's folder."""
    return Dossier.of(json.loads((folder / DOSSIER).read_text("utf-8"))["audit"])
