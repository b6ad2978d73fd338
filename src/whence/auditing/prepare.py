"""An audit before any retraining: the answer, its shortlist, and everything that will be left out."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from whence.auditing.dossier import Provenance, ShortlistedPair
from whence.auditing.omissions import Omission, OmissionBuilder, group_omissions, pair_omissions
from whence.errors import DataError, TrainingError
from whence.gradients.subject import Examples
from whence.levels.groups import RowGroup
from whence.levels.judge import Judgement
from whence.levels.verdict import Evidence, Verdict, verdicts
from whence.methods.registry import settings_of
from whence.retraining.cost import Cost, cost_of
from whence.retraining.magic import PARTS
from whence.retraining.retrain import RETRAINED_PROXY, recipe_of
from whence.retraining.subsets import Subset
from whence.store.artifact import Manifest, versions
from whence.training.run import Run
from whence.types import DISCOVERY_RATE, GroupKind, Lift, Query

KIND = "audit"
GROUPS: tuple[GroupKind, ...] = ("file", "topic")


@dataclass(frozen=True)
class AuditPlan:
    """The settings of an audit.

    `pairs`: the number of pairs on the shortlist, each with its copies. `seeds`: the number of seeds of every
    retraining, the run's own first. `groups`: kinds of which the first group that stands out is also left out. `exact`
    adds the exact derivative. `force` takes the pairs with the largest scores if none stands out. `drawing` is the
    seed of the random controls, `rate` the false-discovery rate.
    """

    pairs: int = 3
    seeds: int = 3
    groups: tuple[GroupKind, ...] = GROUPS
    exact: bool = False
    force: bool = False
    drawing: int = 1
    rate: float = DISCOVERY_RATE

    def __post_init__(self) -> None:
        if self.pairs < 1 or self.seeds < 1:
            raise TrainingError(
                f"An audit needs at least 1 pair and 1 seed (found {self.pairs} and {self.seeds}). Use three of each "
                "for a clear result."
            )
        for kind in self.groups:
            if kind not in GROUPS:
                raise DataError(f"An audit leaves out a {' or a '.join(GROUPS)} (found {kind[:60]!r}). Choose one.")


@dataclass(frozen=True)
class PreparedAudit:
    """An answer and everything an audit will leave out. `omissions` is empty if nothing stands out."""

    run: Run
    plan: AuditPlan
    query: Query
    generated: bool
    lift: Lift
    seeds: tuple[int, ...]
    shortlist: tuple[ShortlistedPair, ...]
    omissions: tuple[Omission, ...]
    source: Provenance
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> list[Subset | None]:
        """The training on all pairs for each seed: None (the run itself), then retrainings."""
        rows = tuple(range(len(self.run.examples)))
        return [None, *(Subset(rows, seed) for seed in self.seeds[1:])]

    @property
    def subsets(self) -> list[list[Subset]]:
        """The retrainings of each omission, one per seed."""
        return [omission.subsets(len(self.run.examples), self.seeds) for omission in self.omissions]

    @property
    def retrainings(self) -> list[Subset]:
        """All retrainings that the audit needs; empty if nothing is left out."""
        wanted = [*(subset for subset in self.whole if subset), *(subset for row in self.subsets for subset in row)]
        return list(dict.fromkeys(wanted)) if self.omissions else []

    @property
    def replays(self) -> int:
        """The number of replays of the exact derivative: forward, back, and one without each part."""
        return 2 + min(PARTS, len(self.run.examples)) if self.plan.exact and self.omissions else 0

    @property
    def manifest(self) -> Manifest:
        """The manifest that identifies the audit's artifact."""
        asked = {"query": asdict(self.query), "generated": self.generated}
        inputs = {"run": self.run.manifest.key, "index": self.source.inputs["index"]}
        return Manifest(KIND, {**asked, **asdict(self.plan)}, inputs)

    @property
    def command(self) -> str:
        """The command that repeats the audit."""
        given = [] if self.generated else ["--answer", self.query.answer]
        if self.query.selected:
            given += ["--select-range", "{}:{}".format(*self.query.selected)]
        system = next((m.content for m in self.query.messages[:-1] if m.role == "system"), None)
        given += ["--system-prompt", system] if system else []
        plan = self.plan
        given += ["--method", self.source.method, "--pairs", str(plan.pairs), "--seeds", str(plan.seeds)]
        given += ["--groups", ",".join(plan.groups) or "none"]
        given += [f"--{flag}" for flag in ("exact", "force") if getattr(plan, flag)]
        return shlex.join(["whence", "audit", str(self.run.folder), self.query.question, *given])

    def cost(self, workers: int = 1) -> Cost:
        """Return the cost of the missing retrainings, without that of the exact derivative."""
        return cost_of(self.run, self.retrainings, 0, workers)


def prepared(
    run: Run, evidence: Evidence, index_key: str, query: Query, plan: AuditPlan, generated: bool = False
) -> PreparedAudit:
    """Choose what an audit of this answer leaves out, by the index's own verdict. Trains nothing.

    Raises:
        TrainingError: the run was trained elsewhere, so its recipe is not known; or no pairs would be left.
        ArtifactError: groups are requested, but the index kept no control scores.
    """
    own = recipe_of(run).seed
    scores = evidence.method.score(evidence.subject, evidence.folder, [query])
    (verdict,) = verdicts(evidence, [query], plan.rate, plan.groups, scores)
    scores = scores[0]
    seeds = tuple(own + place for place in range(plan.seeds))
    shortlist = _shortlist(evidence, verdict, scores, plan)
    listed = tuple(_shortlisted(evidence.subject.examples, rows, scores, verdict.supporting) for rows in shortlist)
    omitting = OmissionBuilder(scores, seeds, plan.drawing)
    omissions, remarks = _omissions(evidence, verdict, omitting, shortlist)
    notes = (*([RETRAINED_PROXY] if run.stood_in and omissions else []), *remarks)
    source = _source(run, evidence, index_key)
    lift, bare = verdict.lift, Run(run.folder, run.manifest)  # without the model that the run may hold in memory
    return PreparedAudit(bare, plan, query, generated, lift, seeds, listed, omissions, source, notes)


def _shortlist(evidence: Evidence, verdict: Verdict, scores: np.ndarray, plan: AuditPlan) -> list[list[int]]:
    """Return the rows of each pair on the shortlist: its own first, then those of its copies."""
    best = [judged.row for judged in verdict.supporting]
    if not best and plan.force:
        best = np.argsort(-scores, kind="stable").tolist()
    copies = {int(row): list(map(int, group.rows)) for group in evidence.groups("duplicates") for row in group.rows}
    chosen = list[list[int]]()
    for row in best:
        if len(chosen) < plan.pairs and not any(row in rows for rows in chosen):
            chosen.append([row, *(other for other in copies.get(row, ()) if other != row)])
    return chosen


def _omissions(
    evidence: Evidence, verdict: Verdict, omitting: OmissionBuilder, shortlist: list[list[int]]
) -> tuple[tuple[Omission, ...], tuple[str, ...]]:
    if not shortlist:
        return (), ()
    gone = {row for rows in shortlist for row in rows}
    if len(gone) == len(omitting.scores):
        raise TrainingError(f"An audit must leave pairs to train on (found all {len(gone)} left out). Use more data.")
    pairs, remarks = pair_omissions(omitting, evidence.subject.examples, shortlist)
    groups, more = group_omissions(omitting, first_groups(verdict, gone, len(omitting.scores)), gone)
    return (*pairs, *groups), (*remarks, *more)


def first_groups(verdict: Verdict, gone: set[int], total: int) -> list[RowGroup]:
    """Return the first supporting group of each kind that is neither all of the data nor within the rows `gone`."""
    firsts = dict[str, RowGroup]()
    for judged in verdict.groups:
        rows = {int(row) for row in judged.group.rows}
        if judged.judgement.score > 0 and len(rows) < total and not rows <= gone:
            firsts.setdefault(judged.group.kind, judged.group)
    return list(firsts.values())


def _shortlisted(
    examples: Examples, rows: list[int], scores: np.ndarray, judged: Sequence[Judgement]
) -> ShortlistedPair:
    example, places = examples[rows[0]], [f"{examples[row].file}:{examples[row].line}" for row in rows]
    own = next((j for j in judged if j.row == rows[0]), None)
    return ShortlistedPair(
        id=example.id,
        place=places[0],
        question=example.question,
        answer=example.answer,
        score=float(scores[rows[0]]),
        share=own.share if own else None,
        level=str(own.level) if own else None,
        copies=tuple(places[1:]),
    )


def _source(run: Run, evidence: Evidence, index_key: str) -> Provenance:
    method = evidence.method
    inputs = {"run": run.manifest.key, "index": index_key, **run.manifest.inputs}
    return Provenance(method.name, settings_of(method), method.unit, inputs, dict(run.manifest.config), versions())
