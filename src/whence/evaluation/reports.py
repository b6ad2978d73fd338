"""The reports of a run's evaluations, where they lie. Loads no torch: the service reads them, too."""

from pathlib import Path

from whence.store.artifact import MANIFEST

KIND = "evaluation"
REPORT = "report.json"


def reports(run: Path) -> list[Path]:
    """The folders of a run's finished evaluations, the oldest first."""
    found = (path.parent for path in (run / "evaluation").glob(f"report-*/{MANIFEST}"))
    numbered = ((folder.name.rpartition("-")[2], folder) for folder in found)
    return [folder for _, folder in sorted((int(n), folder) for n, folder in numbered if n.isdigit())]


def both_errors(over_questions: float | None, over_retrainings: float) -> float:
    """The standard error of a mean LDS over questions and retrainings together."""
    return ((over_questions or 0.0) ** 2 + over_retrainings**2) ** 0.5
