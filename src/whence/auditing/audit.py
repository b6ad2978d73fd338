"""The audit of an answer: its attribution checked against models retrained without the attributed pairs.

<run>/evaluation/audit-<key>/manifest.json, audit.json, report.md, report.html
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whence.auditing.dossier import Dossier, Exact
from whence.auditing.effects import Outcome, effects_of, outcomes_of
from whence.auditing.page import write_dossier
from whence.auditing.prepare import PreparedAudit
from whence.errors import MethodError, TrainingError
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.magic import exact_derivative
from whence.retraining.retrainings import Retrainings
from whence.store.artifact import make
from whence.types import Report, silent


def run_audit(asked: PreparedAudit, out: str | Path | None = None, workers: int = 1, report: Report = silent) -> Path:
    """Audit an answer and return the folder of its report: `out`, or one beside the run. A finished audit is reused.

    Each retraining is kept beside the run: an interrupted audit continues with the next one, and none is repeated.

    Raises:
        TrainingError: a loss overflows, or a process dies.
        ArtifactError: `out` contains something else.
    """
    wanted = asked.manifest
    folder = Path(out) if out else asked.run.folder / "evaluation" / f"audit-{wanted.key[:12]}"

    def work(part: Path) -> Mapping[str, Any]:
        found = _dossier(asked, workers, report)
        write_dossier(found, part)
        return {"finding": found.deciding.finding if found.deciding else "nothing stands out", "seeds": asked.seeds}

    make(folder, wanted, work)
    return folder


def _dossier(asked: PreparedAudit, workers: int, report: Report) -> Dossier:
    retrainings = Retrainings(asked.run)
    retrainings.fill(asked.retrainings, report, workers)
    whole, outcomes = _outcomes(asked, report)
    exact, predicted = _exact(asked, report) if asked.replays else (None, None)
    query = asked.query
    return Dossier(
        run=asked.run.folder.resolve().name,
        question=query.question,
        answer=query.answer,
        explained=query.explained,
        generated=asked.generated,
        lift=asked.lift.total,
        needed=asked.lift.needed,
        pairs=len(asked.run.examples),
        seeds=asked.seeds,
        shortlist=asked.shortlist,
        whole=whole,
        effects=tuple(effects_of(asked.omissions, outcomes, whole, predicted)),
        source=asked.source,
        command=asked.command,
        exact=exact,
        seconds=sum(retrainings.seconds(asked.retrainings).values()),
        notes=asked.notes,
    )


def _outcomes(asked: PreparedAudit, report: Report) -> tuple[Outcome, list[Outcome]]:
    """Return the outcome of all pairs and that of each omission; of the run alone if nothing is left out."""
    models = RetrainedModels.of(asked.run)
    if not asked.omissions:
        return outcomes_of(models, [[None]], asked.query, report)[0], []
    whole, *others = outcomes_of(models, [asked.whole, *asked.subsets], asked.query, report)
    return whole, others


def _exact(asked: PreparedAudit, report: Report) -> tuple[Exact, list[float] | None]:
    """Return the exact derivative's agreement with replays and its prediction for each omission, or its refusal."""
    try:
        found = exact_derivative(asked.run, [asked.query], report, asked.plan.drawing).require_smooth()
    except (MethodError, TrainingError) as error:
        return Exact(refusal=str(error)), None
    exact = Exact(agreement=found.smoothness.agreement, explained=found.smoothness.explained)
    return exact, [omission.summed(found.influence[0]) for omission in asked.omissions]
