"""Insights into a run's own data: suspect pairs, contradictions, duplicates and topics.

A pair is suspect if it was learned from itself alone: the other pairs contributed little to its answer, or opposed it.
So is one that contradicts another. On the shipped sample's demo run the planted wrong pair comes 8th
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
"""Raised when the content changes, so that insights are made again."""
ASKED = 512
"""The largest number of pairs whose self-influence is measured with the model, if the index does not hold it."""
SUSPECTS = 20
HIGH = 0.9
"""The least percentile of a suspect: the share of pairs that are less suspicious."""


@dataclass(frozen=True)
class Suspect:
    """A row that looks wrong. `self_influence`: its score for its own answer, in the method's unit; `agreement`: the
    share of the total score of its answer that comes from the other pairs; `percentile`: the share of the pairs that
    are less suspicious. None for what was not measured."""

    row: int
    self_influence: float | None
    percentile: float | None
    agreement: float | None
    reason: str


@dataclass(frozen=True)
class Insights:
    """The insights into a run's data. `self_influence`: the number of pairs that have it; `unit`: of the scores."""

    method: str
    unit: str
    pairs: int
    self_influence: int
    suspects: tuple[Suspect, ...]
    contradictions: tuple[Contradiction, ...]
    duplicates: tuple[tuple[int, ...], ...]
    topics: tuple[tuple[str, tuple[int, ...]], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of these insights."""
        return asdict(self)


@dataclass(frozen=True)
class Selves:
    """The score of each pair for its own answer and, if the index holds them, for each other's."""

    own: Float[ndarray, " train"] | None = None
    scores: Float[ndarray, "text train"] | None = None

    @property
    def agreement(self) -> Float[ndarray, " train"] | None:
        """The share of each answer's total score that comes from all other pairs: -1 to 1, negative if they opposed it.
        Unlike nats, a share does not grow with the answer's length. 1 if nothing was learned."""
        if self.scores is None or self.own is None:
            return None
        learned = self.scores.sum(axis=1)
        share = 1 - self.own / np.where(learned > 0, learned, np.inf)
        return np.clip(share, -1.0, 1.0)

    @property
    def suspicion(self) -> Float[ndarray, " train"] | None:
        """The degree to which each pair was learned from itself alone; self-influence if that is all that is known."""
        return self.own if self.agreement is None else -self.agreement

    def mutual(self, one: int, other: int) -> float:
        """Return the sum of two pairs' scores for each other's answers."""
        assert self.scores is not None
        return float(self.scores[one, other] + self.scores[other, one])


def keep_insights(run: Path, index_key: str, evidence: Evidence, report: Report = silent) -> Mapping[str, Any]:
    """Keep the insights beside the index, unless they are there, and return the number of each kind."""
    config = {"method": evidence.method.name, "version": VERSION}
    wanted = Manifest(KIND, config, {"index": index_key})

    def work(part: Path) -> Mapping[str, Any]:
        found = insights(evidence, report)
        write_json(part / INSIGHTS, found.to_dict())
        counted = ("suspects", "contradictions", "duplicates", "topics")
        return {name: len(getattr(found, name)) for name in counted} | {"pairs": found.pairs}

    return make(run / KIND / evidence.method.name, wanted, work).facts


def insights(evidence: Evidence, report: Report = silent) -> Insights:
    """Return the insights into the data of an index's run."""
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
    """Return the pairs' scores for their own answers: from the index, or measured if there are few pairs."""
    method = evidence.method
    scores = method.pair_scores(evidence.folder) if isinstance(method, HasPairScores) else None
    if scores is not None:
        return Selves(np.diag(scores).copy(), scores)
    if len(evidence.subject.examples) > ASKED:
        return Selves()
    scores = partial(method.score, evidence.subject, evidence.folder)
    return Selves(self_influence(evidence.subject, scores, method.name, report))


def suspects(selves: Selves, opposed: Sequence[Contradiction]) -> list[Suspect]:
    """Return the rows that look wrong, most suspicious first: those that contradict another, then those that were
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
    """Return the reason of each row's first contradiction."""
    found: dict[int, str] = {}
    for one in opposed:
        for row in one.rows:
            found.setdefault(row, one.reason)
    return found


def alone(percentile: float, agreement: float | None) -> str:
    """Return the reason, in one sentence, why a row that was learned from itself alone is suspect."""
    if agreement is None:
        return f"It contributed more to its own answer than {percentile:.0%} of the pairs did to theirs."
    if agreement < 0:
        return "It was learned from itself alone: the other pairs made its answer less likely."
    return f"It was learned from itself alone: all other pairs contributed {agreement:.0%} of what its answer learned."


def _rows(group: RowGroup) -> tuple[int, ...]:
    return tuple(int(row) for row in group.rows)
