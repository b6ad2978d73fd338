"""What is known of a method's faithfulness on a run: read from the reports of its evaluations. Loads no model."""

import json
from pathlib import Path
from typing import Any

from whence.evaluation.reports import KIND, REPORT, both_errors, reports
from whence.evaluation.result import Evaluation
from whence.store.artifact import read_manifest
from whence.training.run import Run
from whence.types import Faithfulness


def faithfulness_of(run: Run, method: str, settings: dict[str, Any] | None = None) -> Faithfulness | None:
    """The newest measured faithfulness of a method; None where it was not measured.

    With `settings` only that of the method with just these settings.
    """
    for folder in reversed(reports(run.folder)):
        if read_manifest(folder, KIND).inputs["run"] != run.manifest.key:
            continue
        evaluation = read_report(folder)
        for found in evaluation.methods:
            if found.name == method and settings in (None, found.settings):
                score = found.lds.overall
                error = both_errors(score.over_questions, score.over_retrainings)
                return Faithfulness(score.mean, error, evaluation.retrainings, score.questions)
    return None


def read_report(folder: Path) -> Evaluation:
    """The evaluation in a report's folder."""
    return Evaluation.of(json.loads((folder / REPORT).read_text("utf-8"))["evaluation"])
