"""The insights into a job's data that the worker wrote beside the index, and questions that returned no pairs."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from whence.data.table import ExampleTable
from whence.evaluation.faithfulness import read_report, reports, total_error
from whence.platform.jobs import OPEN, run_of
from whence.platform.pairs import with_upload_ids
from whence.platform.tables import AttributionRecord, Event, File, Job, now
from whence.store.artifact import MANIFEST
from whence.types import DEFAULT_METHOD, Example

State = Literal["ready", "computing", "absent"]
INSIGHTS = "insights"
FILE = "insights.json"
REPORT_PAGE = "report.html"
GRACE = timedelta(minutes=10)
"""How long after a job's end its insights are waited for."""
SHOWN = 200
"""Groups of duplicates, contradictions and unsupported answers that are told, of each."""


@dataclass(frozen=True)
class Found:
    """The insights into a run's data. Each entry has its `pairs` beside the finding."""

    suspects: list[dict[str, Any]]
    duplicates: list[list[Example]]
    contradictions: list[tuple[list[Example], str]]
    topics: list[dict[str, Any]]

    @property
    def pairs(self) -> list[Example]:
        """Yield every pair of the findings, once per finding."""
        alike = [*self.duplicates, *(pairs for pairs, _ in self.contradictions)]
        return [one["pair"] for one in self.suspects] + [pair for pairs in alike for pair in pairs]


def state_of(session: Session, job: Job) -> State:
    """Tell if a job's insights are ready, pending, or were never made."""
    if folder_of(job.id) is not None:
        return "ready"
    if job.status in OPEN:
        return "computing"
    failed = select(Event.id).where(Event.job_id == job.id, Event.phase == INSIGHTS, Event.level == "error")
    late = job.completed_at is None or now() - job.completed_at > GRACE
    over = job.status != "completed" or late or session.scalar(failed.limit(1)) is not None
    return "absent" if over else "computing"


def folder_of(job_id: str) -> Path | None:
    """The folder of a job's finished insights; those of the default method where there are several."""
    found = sorted(path.parent for path in (run_of(job_id) / INSIGHTS).glob(f"*/{MANIFEST}"))
    return next((one for one in found if one.name == DEFAULT_METHOD), found[0] if found else None)


def read_insights(job_id: str, table: ExampleTable, files: Sequence[File], answered: Counter[str]) -> Found:
    """The finished insights of a job, with its pairs; `answered` counts answers by the pair that came first."""
    folder = folder_of(job_id)
    assert folder is not None
    told: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    ids = table.ids()

    def pair(row: int) -> Example:
        return with_upload_ids(table[row], files)

    def topic(name: str, rows: list[int]) -> dict[str, Any]:
        names = sorted({table[row].file for row in rows})
        return {"name": name, "size": len(rows), "files": names, "answered": sum(answered[ids[row]] for row in rows)}

    return Found(
        [{**one, "pair": pair(one["row"])} for one in told["suspects"]],
        [[pair(row) for row in rows] for rows in told["duplicates"][:SHOWN]],
        [([pair(row) for row in one["rows"]], one["reason"]) for one in told["contradictions"][:SHOWN]],
        [topic(name, rows) for name, rows in told["topics"]],
    )


def answered_by(session: Session, job: Job) -> Counter[str]:
    """Count, per pair, the stored answers of a job's model that have it as their first source."""
    results = session.scalars(_kept(job))
    return Counter(one["results"][0]["id"] for one in results if one["results"])


def unsupported(session: Session, job: Job) -> list[dict[str, Any]]:
    """The latest kept answers of a job's model to which no pair is listed. A part of an answer, or why one rather than
    another, tells nothing of what the data lacks."""
    kept = select(AttributionRecord).where(AttributionRecord.job_id == job.id)
    newest = session.scalars(kept.order_by(AttributionRecord.created_at.desc()).execution_options(yield_per=100))
    return [_in_vain(one) for one in islice(filter(_is_in_vain, newest), SHOWN)]


def _is_in_vain(one: AttributionRecord) -> bool:
    whole = not (one.result.get("selection") or one.result.get("instead"))
    return whole and not one.result["results"]


def _in_vain(one: AttributionRecord) -> dict[str, Any]:
    told = {name: one.result[name] for name in ("question", "answer", "sentence")}
    lift = one.result["lift"]
    return {"attribution_id": one.id, **told, "lift": lift["total"], "needed": lift["needed"]}


def evaluation_of(job_id: str) -> dict[str, Any] | None:
    """The last `whence evaluate` of a job's run in short; None where there was none."""
    folder = _last_report(job_id)
    if folder is None:
        return None
    told = read_report(folder)
    methods = [{"name": one["name"], **_lds(one["lds"]["overall"])} for one in told["methods"]]
    return {
        "report": folder.name,
        "retrainings": told["retrainings"],
        "questions": len(told["questions"]),
        "methods": methods,
    }


def report_page(job_id: str) -> Path | None:
    """The page of the last `whence evaluate` of a job's run; None where there was none."""
    folder = _last_report(job_id)
    return folder / REPORT_PAGE if folder and (folder / REPORT_PAGE).is_file() else None


def _lds(score: dict[str, Any]) -> dict[str, float]:
    error = total_error(score["over_questions"], score["over_retrainings"])
    return {"lds": score["mean"], "standard_error": error}


def _last_report(job_id: str) -> Path | None:
    return next(reversed(reports(run_of(job_id))), None)


def _kept(job: Job) -> Any:
    return select(AttributionRecord.result).where(AttributionRecord.job_id == job.id).execution_options(yield_per=100)
