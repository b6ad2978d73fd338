"""The reports of a run's evaluations, and how faithful they found its methods. Loads no torch: the service reads them.

<run>/evaluation/report-<n>/report.json: {"evaluation": …, "figures": …}
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whence.store.artifact import MANIFEST, read_manifest
from whence.types import Faithfulness

if TYPE_CHECKING:
    from whence.training.run import Run

KIND = "evaluation"
REPORT = "report.json"


def reports(run: Path) -> list[Path]:
    """Return the folders of a run's finished evaluations, oldest first."""
    folders = (manifest.parent for manifest in (run / "evaluation").glob(f"report-*/{MANIFEST}"))
    numbered = ((folder.name.rpartition("-")[2], folder) for folder in folders)
    return [folder for _, folder in sorted((int(n), folder) for n, folder in numbered if n.isdigit())]


def read_report(folder: Path) -> dict[str, Any]:
    """Return the JSON object of the evaluation in a report's folder."""
    return json.loads((folder / REPORT).read_text("utf-8"))["evaluation"]


def total_error(over_questions: float | None, over_retrainings: float) -> float:
    """Return the standard error of a mean LDS over questions and retrainings together."""
    return ((over_questions or 0.0) ** 2 + over_retrainings**2) ** 0.5


def faithfulness_of(run: "Run", method: str, settings: dict[str, Any] | None = None) -> Faithfulness | None:
    """Return a method's faithfulness by the newest evaluation that measured it; None if none did.

    With `settings`, only evaluations of the method with exactly these settings count.
    """
    for folder in reversed(reports(run.folder)):
        if read_manifest(folder, KIND).inputs["run"] != run.manifest.key:
            continue
        evaluation = read_report(folder)
        for result in evaluation["methods"]:
            if result["name"] == method and settings in (None, result["settings"]):
                score = result["lds"]["overall"]
                error = total_error(score["over_questions"], score["over_retrainings"])
                return Faithfulness(score["mean"], error, evaluation["retrainings"], score["questions"])
    return None
