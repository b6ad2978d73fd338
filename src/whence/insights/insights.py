"""What a run tells of its own data: which pairs look wrong, contradict each other, are repeated, and their topics.

A pair is suspect where it had to be learned from itself alone: of what its answer learned, the other pairs gave little,
or took from it. So is one that contradicts another. On the shipped sample's demo run the planted wrong pair comes 8th
of 154 this way, among the facts that are stated once; by self-influence in nats, which grows with an answer's length,
it comes 68th. Rows stand for pairs here, by their place in the run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.insights.contradictions import Contradiction, contradictions
from whence.levels.groups import RowGroup
from whence.levels.verdict import Evidence
from whence.methods.pair_scores import HasPairScores
from whence.methods.self_influence import self_influence
from whence.store.artifact import Manifest, make, write_json
from whence.types import Report, silent

KIND = "insights"
INSIGHTS = "insights.json"
VERSION = 1
"""What is written is another artifact when this is raised."""
ASKED = 512
"""Pairs of the largest run whose self-influence is measured by passes through the model, where the index does not tell
it."""
SUSPECTS = 20
HIGH = 0.9
"""The least share of the pairs that are less suspicious than a suspect."""


@dataclass(frozen=True)
class Suspect:
    """A row that looks wrong. `self_influence`: what it made of its own answer, in the unit of the scores; `agreement`:
    the share of what its answer learned that the other pairs gave; `percentile`: the share of the pairs that are less
    suspicious. What was not measured is None."""

    row: int
    self_influence: float | None
    percentile: float | None
    agreement: float | None
    reason: str


@dataclass(frozen=True)
class Insights:
    """What a run tells of its data. `self_influence`: of how many pairs it is known; `unit`: that of the scores."""

    method: str
    unit: str
    pairs: int
    self_influence: int
    suspects: tuple[Suspect, ...]
    contradictions: tuple[Contradiction, ...]
    duplicates: tuple[tuple[int, ...], ...]
    topics: tuple[tuple[str, tuple[int, ...]], ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of these insights."""
        return asdict(self)


@dataclass(frozen=True)
class Selves:
    """What each pair made of its own answer, and where the index tells it, what each made of each other's."""

    own: Float[ndarray, " train"] | None = None
    scores: Float[ndarray, "text train"] | None = None

    @property
    def agreement(self) -> Float[ndarray, " train"] | None:
        """Of what each pair's answer learned, the share that all other pairs gave it: -1 to 1, below nothing where they
        took from it. A share does not grow with the answer's length, as nats do. 1 where nothing was learned."""
        if self.scores is None or self.own is None:
            return None
        learned = self.scores.sum(axis=1)
        share = 1 - self.own / np.where(learned > 0, learned, np.inf)
        return np.clip(share, -1.0, 1.0)

    @property
    def suspicion(self) -> Float[ndarray, " train"] | None:
        """How far each pair had to be learned from itself alone; by self-influence where no more is known."""
        return self.own if self.agreement is None else -self.agreement

    def mutual(self, one: int, other: int) -> float:
        """What two pairs made of each other's answers, both ways together."""
        assert self.scores is not None
        return float(self.scores[one, other] + self.scores[other, one])


def keep_insights(run: Path, index_key: str, evidence: Evidence, report: Report = silent) -> Mapping[str, Any]:
    """How much there is of each, once the insights are kept beside the index; those that are there stay."""
    config = {"method": evidence.method.name, "version": VERSION}
    wanted = Manifest(KIND, config, {"index": index_key})

    def work(part: Path) -> Mapping[str, Any]:
        found = insights(evidence, report)
        write_json(part / INSIGHTS, found.to_dict())
        counted = ("suspects", "contradictions", "duplicates", "topics")
        return {name: len(getattr(found, name)) for name in counted} | {"pairs": found.pairs}

    return make(run / KIND / evidence.method.name, wanted, work).facts


def insights(evidence: Evidence, report: Report = silent) -> Insights:
    """What the run of an index tells of its data."""
    subject = evidence.subject
    pairs = [subject.examples[row] for row in range(len(subject.examples))]
    selves = selves_of(evidence, report)
    mutual = selves.mutual if selves.scores is not None else None
    opposed = contradictions([pair.question for pair in pairs], [pair.answer for pair in pairs], mutual)
    return Insights(
        evidence.method.name,
        evidence.method.unit,
        len(pairs),
        0 if selves.own is None else len(pairs),
        tuple(suspects(selves, opposed)),
        tuple(opposed),
        tuple(_rows(group) for group in evidence.groups("duplicates")),
        tuple((group.name, _rows(group)) for group in evidence.groups("topic")),
    )


def selves_of(evidence: Evidence, report: Report = silent) -> Selves:
    """What the pairs made of their own answers: out of the index, else measured where there are few of them."""
    method = evidence.method
    scores = method.pair_scores(evidence.folder) if isinstance(method, HasPairScores) else None
    if scores is not None:
        return Selves(np.diag(scores).copy(), scores)
    if len(evidence.subject.examples) > ASKED:
        return Selves()
    scores = partial(method.score, evidence.subject, evidence.folder)
    return Selves(self_influence(evidence.subject, scores, method.name, report))


def suspects(selves: Selves, opposed: Sequence[Contradiction]) -> list[Suspect]:
    """The rows that look wrong, the most suspicious first: those that contradict another, then those that had to be
    learned from themselves alone."""
    against, alike = reasons(opposed), selves.suspicion
    if selves.own is None or alike is None:
        return [Suspect(row, None, None, None, why) for row, why in list(against.items())[:SUSPECTS]]
    below = np.searchsorted(np.sort(alike), alike, side="left") / len(alike)
    rows = [row for row in range(len(alike)) if row in against or (below[row] >= HIGH and selves.own[row] > 0)]
    rows.sort(key=lambda row: (row not in against, -alike[row]))
    shares = selves.agreement
    found: list[Suspect] = []
    for row in rows[:SUSPECTS]:
        share = None if shares is None else float(shares[row])
        why = against.get(row) or alone(float(below[row]), share)
        found.append(Suspect(row, float(selves.own[row]), float(below[row]), share, why))
    return found


def reasons(opposed: Sequence[Contradiction]) -> Mapping[int, str]:
    """The first contradiction of each row."""
    found: dict[int, str] = {}
    for one in opposed:
        for row in one.rows:
            found.setdefault(row, one.reason)
    return found


def alone(percentile: float, agreement: float | None) -> str:
    """Why a row is suspect that had to be learned from itself, in one sentence."""
    if agreement is None:
        return f"It made more of its own answer than {percentile:.0%} of the pairs did."
    if agreement < 0:
        return "It had to be learned from itself alone: the other pairs made its answer less likely."
    return f"It had to be learned from itself alone: all other pairs gave {agreement:.0%} of what its answer learned."


def _rows(group: RowGroup) -> tuple[int, ...]:
    return tuple(int(row) for row in group.rows)
