"""What is known of a method's faithfulness on a run: read from the reports of its evaluations. Loads no model."""

import json
from pathlib import Path
from typing import Any

from whence.evaluation.result import Evaluation
from whence.store.artifact import MANIFEST, read_manifest
from whence.training.run import Run
from whence.types import Faithfulness

KIND = "evaluation"
REPORT = "report.json"


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
                error = ((score.over_questions or 0.0) ** 2 + score.over_retrainings**2) ** 0.5
                return Faithfulness(score.mean, error, evaluation.retrainings, score.questions)
    return None


def reports(run: Path) -> list[Path]:
    """The folders of a run's finished evaluations, the oldest first."""
    found = (path.parent for path in (run / "evaluation").glob(f"report-*/{MANIFEST}"))
    numbered = ((folder.name.rpartition("-")[2], folder) for folder in found)
    return [folder for _, folder in sorted((int(n), folder) for n, folder in numbered if n.isdigit())]


def read_report(folder: Path) -> Evaluation:
    """The evaluation in a report's folder."""
    return Evaluation.of(json.loads((folder / REPORT).read_text("utf-8"))["evaluation"])
