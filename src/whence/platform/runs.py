"""The files of a job: its run, its indexes, its pairs. Imports no torch."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from whence.data.table import ExampleTable
from whence.errors import ConflictError, DataError
from whence.methods.catalog import CATALOG, method_info
from whence.platform.jobs import run_of, trained_on
from whence.store.artifact import MANIFEST, read_manifest

EXAMPLES = "examples.arrow"
"""Where a run keeps its pairs; `whence.training.run` writes them there."""


def manifest_of(job_id: str) -> dict[str, Any] | None:
    """The manifest of a job's run; None until the run is finished."""
    return _manifest(run_of(job_id), "run")


def indexes_of(job_id: str) -> dict[str, dict[str, Any]]:
    """The manifests of a job's finished indexes, by method."""
    folder = run_of(job_id) / "index"
    found = {method.name: _manifest(folder / method.name, "index") for method in CATALOG}
    return {name: manifest for name, manifest in found.items() if manifest is not None}


def examples_of(job_id: str) -> ExampleTable:
    """The pairs that a job was trained on, mapped into memory.

    Raises:
        ConflictError: its run is not finished.
    """
    if manifest_of(job_id) is None:
        raise ConflictError(f"The pairs of {job_id} can be read once it is fine-tuned. Wait, or list its files.")
    return ExampleTable.open(run_of(job_id) / EXAMPLES)


def examples_with(session: Session, file_id: str) -> ExampleTable | None:
    """The pairs of the newest finished run on a file, those of the run's other files among them; None without one."""
    jobs = [job for job in trained_on(session, file_id) if job.status == "completed" and not job.deleted_at]
    return next((examples_of(job.id) for job in reversed(jobs) if manifest_of(job.id)), None)


def require_index(job_id: str, method: str) -> None:
    """Raise unless answers of a job's model can be explained by this method.

    Raises:
        MethodError: there is no such method.
        DataError: the job has no index of it.
    """
    there = indexes_of(job_id)
    if method_info(method).name not in there:
        known = ", ".join(there) or "none"
        raise DataError(
            f"{job_id} has no index of the method {method!r} (it has {known}). Choose one, or leave it out."
        )


def _manifest(folder: Path, kind: str) -> dict[str, Any] | None:
    return asdict(read_manifest(folder, kind)) if (folder / MANIFEST).is_file() else None
