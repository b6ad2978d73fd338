"""The verdict of an index on an answer: the contribution of fine-tuning, and the rows and groups that stand out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jaxtyping import Float
from numpy import ndarray

from whence.gradients.subject import Subject
from whence.levels.contrast import contrast_null, control_contrasts, lift_of_contrast
from whence.levels.control_scores import ControlScores
from whence.levels.distribution import distribution_of, spread_in
from whence.levels.group_null import GroupNull, fit_group_null, group_sums
from whence.levels.groups import RowGroup, groups_of
from whence.levels.judge import Cuts, Judgement, judge
from whence.levels.lift import lifts_of
from whence.levels.null import Null
from whence.methods.base import Method
from whence.types import DISCOVERY_RATE, Distribution, GroupKind, Lift, Query


@dataclass(frozen=True)
class Evidence:
    """A finished index with what judging needs: a method with its rows in `folder`, and the null of its scores.

    Groups and the null of contrasts are computed when they are first used.
    """

    subject: Subject
    method: Method
    folder: Path
    null: Null
    _groups: dict[GroupKind, tuple[RowGroup, ...]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def controls(self) -> ControlScores:
        """The scores of the control queries."""
        return ControlScores.load(self.folder, self.null)

    @cached_property
    def contrast(self) -> Null:
        """The null of differences of two answers' scores."""
        return contrast_null(self.controls, self.null)

    def groups(self, kind: GroupKind) -> tuple[RowGroup, ...]:
        """The groups of a kind."""
        if kind not in self._groups:
            self._groups[kind] = groups_of(self.subject, kind)
        return self._groups[kind]


@dataclass(frozen=True)
class JudgedGroup:
    """A group that stands out; the judgement's `row` counts the groups of its kind. `scores` are its members'."""

    group: RowGroup
    judgement: Judgement
    scores: Float[ndarray, " member"]


@dataclass(frozen=True)
class Verdict:
    """The rows that support and that oppose an answer, the largest first; none if its lift is not enough.

    `groups` are those that stand out, kind by kind, the supporting ones first. `instead` is the other answer if lift
    and scores are those of a contrast. `distribution` is that of the scores of all rows.
    """

    query: Query
    lift: Lift
    supporting: Sequence[Judgement] = ()
    opposing: Sequence[Judgement] = ()
    groups: Sequence[JudgedGroup] = ()
    instead: Query | None = None
    distribution: Distribution | None = None


@dataclass(frozen=True)
class _Case:
    """The scores of one answer, or of a contrast of two, with their lift and null."""

    scores: Float[ndarray, " train"]
    lift: Lift
    null: Null
    rate: float
    contrast: bool = False


def verdicts(
    evidence: Evidence,
    asked: Sequence[Query],
    rate: float = DISCOVERY_RATE,
    groups: Sequence[GroupKind] = (),
    scores: Float[ndarray, "query train"] | None = None,
) -> list[Verdict]:
    """The verdict on each query's answer, at false-discovery rate `rate`, with the groups of these kinds.

    `scores` are the method's scores of these queries; computed if not given.

    Raises:
        MethodError: an answer is empty.
        ArtifactError: groups are asked for, but the index kept no control scores.
    """
    lifts = lifts_of(evidence.subject, asked, evidence.null)
    if scores is None:
        scores = evidence.method.score(evidence.subject, evidence.folder, asked)
    cases = [_Case(row, lift, evidence.null, rate) for row, lift in zip(scores, lifts, strict=True)]
    return [_verdict(evidence, query, case, groups) for query, case in zip(asked, cases, strict=True)]


def contrasted(
    evidence: Evidence,
    query: Query,
    instead: Query,
    rate: float = DISCOVERY_RATE,
    groups: Sequence[GroupKind] = (),
) -> Verdict:
    """The verdict on why the model gives one answer rather than another to the same question.

    Raises:
        MethodError: an answer is empty.
        ArtifactError: the index kept no control scores.
    """
    one, other = lifts_of(evidence.subject, [query, instead], evidence.null)
    scores = evidence.method.score(evidence.subject, evidence.folder, [query, instead])
    lift = lift_of_contrast(one, other, evidence.null)
    case = _Case(scores[0] - scores[1], lift, evidence.contrast, rate, contrast=True)
    return _verdict(evidence, query, case, groups, instead)


def _verdict(
    evidence: Evidence, query: Query, case: _Case, groups: Sequence[GroupKind], instead: Query | None = None
) -> Verdict:
    spread = distribution_of(case.scores, case.null, evidence.method.unit)
    if not case.lift.enough:
        return Verdict(query, case.lift, instead=instead, distribution=spread)
    whole = max(case.lift.total, float(case.scores.sum())) if evidence.method.unit == "nats" else None
    pairs = judge(case.scores, case.null, whole, case.rate, Cuts())
    judged = [found for kind in dict.fromkeys(groups) for found in _judged(evidence, kind, case, whole)]
    return Verdict(query, case.lift, *pairs, judged, instead, spread)


def _judged(evidence: Evidence, kind: GroupKind, case: _Case, whole: float | None) -> list[JudgedGroup]:
    groups = evidence.groups(kind)
    if not groups:
        return []
    rows = [group.rows for group in groups]
    found = judge(
        group_sums(case.scores[None], rows)[0], _null_of_groups(evidence, rows, case), whole, case.rate, Cuts()
    )
    return [JudgedGroup(groups[j.row], j, case.scores[groups[j.row].rows]) for side in found for j in side]


def _null_of_groups(evidence: Evidence, rows: list[ndarray], case: _Case) -> GroupNull:
    controls = control_contrasts(evidence.controls, case.null) if case.contrast else evidence.controls
    return fit_group_null(controls, case.null, rows, case.contrast).with_spread(spread_in(case.scores, case.null))
