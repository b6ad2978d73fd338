"""An index held against what is known: its own pairs, and models trained without some."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whence.auditing.audit import run_audit
from whence.auditing.dossier import Dossier, read_dossier
from whence.auditing.prepare import AuditPlan, PreparedAudit, prepared
from whence.evaluation.recall import RECALL, SelfRecall, recall_folder, self_recall
from whence.insights import insights
from whence.pipeline.answers import query_of
from whence.pipeline.index import Index
from whence.retraining.retrain import recipe_of
from whence.store.artifact import Manifest, make
from whence.training.run import Run
from whence.types import AttributionRequest, Report, silent


def evaluate_recall(
    index: Index | Run | str | Path, count: int = 8, seed: int = 0, report: Report = silent
) -> SelfRecall:
    """How many training pairs an index finds by their own words, and how many unrelated answers stay without pairs.

    It is kept beside the index, and returned as it is the next time; every later attribution tells of it.

    Raises:
        ArtifactError: the run has no index, or this was measured with another count or seed.
    """
    opened = index if isinstance(index, Index) else Index.open(index)
    config = {"method": opened.method.name, "count": count, "seed": seed}
    wanted = Manifest(RECALL, config, {"index": opened.manifest.key})
    folder = recall_folder(opened.run.folder, opened.method.name)
    made = make(folder, wanted, lambda _: self_recall(opened.evidence, count, seed, report).to_dict())
    return SelfRecall(**made.facts)


def keep_insights(index: Index, report: Report = silent) -> Mapping[str, Any]:
    """Return how many suspicious, duplicated and contradicting pairs and topics there are; found once and kept beside
    the index."""
    return insights.keep_insights(index.run.folder, index.manifest.key, index.evidence, report)


def audit(
    index: Index | Run | str | Path,
    question: str,
    answer: str | None = None,
    plan: AuditPlan | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    system_prompt: str | None = None,
    selection: tuple[int, int] | None = None,
    report: Report = silent,
) -> Dossier:
    """What an answer's attribution says, held against models that were trained without; an audit that was made is
    returned as it is, and a killed one goes on with the next retraining.

    Its folder is `out`, or lies beside the run: JSON, Markdown and one HTML page.

    Raises:
        DataError: question or answer is empty, or the selection holds nothing of the answer.
        TrainingError: the run was trained elsewhere and has no stand-in, so that its recipe is not known.
        ArtifactError: the run has no index, or `out` holds something else.
    """
    asked = prepare_audit(index, question, answer, plan, system_prompt, selection, report)
    return read_dossier(run_audit(asked, out, workers, report))


def prepare_audit(
    index: Index | Run | str | Path,
    question: str,
    answer: str | None = None,
    plan: AuditPlan | None = None,
    system_prompt: str | None = None,
    selection: tuple[int, int] | None = None,
    report: Report = silent,
) -> PreparedAudit:
    """What an audit is going to leave out, and its cost; raises as `audit` does. Trains nothing."""
    opened = index if isinstance(index, Index) else Index.open(index)
    request = AttributionRequest(question, answer, system_prompt, selection)
    request.require_valid()
    recipe_of(opened.run)  # before anything is computed: without it nothing can be trained anew
    query = query_of(opened, request, report)
    key, wanted = opened.manifest.key, plan or AuditPlan()
    return prepared(opened.run, opened.evidence, key, query, wanted, generated=request.own)
