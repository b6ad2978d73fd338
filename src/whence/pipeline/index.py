"""An index of a run, through one method, with its null."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from whence.errors import ArtifactError
from whence.gradients.subject import Compute, Subject
from whence.gradients.trajectory import Trajectory
from whence.levels.measure import CONTROLS, measure_null
from whence.levels.null import Null
from whence.levels.verdict import Evidence
from whence.methods.base import Method
from whence.methods.registry import method_named, settings_of
from whence.store.artifact import Manifest, make, read_manifest
from whence.training.run import Run
from whence.types import DEFAULT_METHOD, Report, silent


@dataclass(frozen=True)
class Index:
    """A finished index: a run seen through one method, with its null. `path` is the run's model where somebody else
    holds it in memory; else the run loads its own."""

    folder: Path
    manifest: Manifest
    run: Run
    method: Method
    path: Trajectory | None = field(default=None, compare=False, repr=False)

    @cached_property
    def null(self) -> Null:
        """What scores look like when the answer has nothing to do with the data."""
        return Null.load(self.folder)

    @cached_property
    def subject(self) -> Subject:
        """The examples and the model, loaded once."""
        path = self.run.trajectory if self.path is None else self.path
        return Subject(self.run.examples, path, Compute())

    @cached_property
    def evidence(self) -> Evidence:
        """What answers are judged by."""
        return Evidence(self.subject, self.method, self.folder, self.null)

    @staticmethod
    def open(run: "Run | str | Path", method: str | None = None, path: Trajectory | None = None) -> "Index":
        """The index of a run: the named method's, else the default's, else the only one there is.

        Raises:
            ArtifactError: the run has no such index.
        """
        opened = run if isinstance(run, Run) else Run.open(run)
        folder = index_folder(opened, method or only_index(opened))
        manifest = read_manifest(folder, "index")
        settings = dict(manifest.config)
        named = method_named(settings.pop("method"), settings.pop("settings"))
        return Index(folder, manifest, opened, named, path)


def build_index(
    run: Run | str | Path,
    method: str = DEFAULT_METHOD,
    settings: dict[str, Any] | None = None,
    compute: Compute | None = None,
    report: Report = silent,
) -> Index:
    """Build the index of a run with one method, and its null; a finished index is returned as it is.

    A killed build resumes at its last finished shard.

    Raises:
        MethodError: no method has that name or those settings, or the model leaves the control questions unanswered.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    chosen = method_named(method, settings or {})
    config = {"method": method, "settings": settings_of(chosen), "controls": CONTROLS}
    folder = index_folder(opened, method)
    wanted = Manifest("index", config, {"run": opened.manifest.key})

    def work(part: Path) -> dict[str, Any]:
        subject = Subject(opened.examples, opened.trajectory, compute or Compute())
        facts = chosen.build(subject, part, report)
        null = measure_null(subject, chosen, part, report)
        null.save(part)
        return {**facts, "usual_drift": null.usual_drift, "controls": len(null.drift)}

    return Index(folder, make(folder, wanted, work), opened, chosen)


def index_folder(run: Run, method: str) -> Path:
    """Where a method's index of a run lies."""
    return run.folder / "index" / method


def only_index(run: Run) -> str:
    """The default method's index where there is one, else the only one."""
    there = sorted(p.parent.name for p in (run.folder / "index").glob("*/manifest.json"))
    if DEFAULT_METHOD in there:
        return DEFAULT_METHOD
    if len(there) == 1:
        return there[0]
    what = f"has several ({', '.join(there)}); name one with --method" if there else "has no index"
    raise ArtifactError(f"{run.folder} {what}. Build one with: whence index {run.folder}")
