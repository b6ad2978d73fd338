"""The methods of an evaluation: the run's indexes, and baselines that a method has to beat.

Methods without an index in the run are built here without a null, which an evaluation does not need:

    <run>/evaluation/methods/<name>-<key>/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.errors import ModelError
from whence.gradients.subject import Subject
from whence.methods.base import Method
from whence.methods.registry import method_named, settings_of
from whence.store.artifact import MANIFEST, Manifest, make, read_manifest
from whence.training.run import Run
from whence.types import Query, Report, silent

RANDOM = "random"
BASELINES = (RANDOM, "bm25", "embedding", "grad_cos")
KIND = "method"


class Scorer(Protocol):
    """Scores pairs for answers. Its name, `settings` and the run identify it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """Its settings as JSON keeps them."""
        ...

    def scores(self, subject: Subject, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """Return the score of every pair for every query."""
        ...


@dataclass(frozen=True)
class BuiltMethod:
    """A method and the folder that it built."""

    method: Method
    folder: Path

    @property
    def name(self) -> str:
        """The method's name."""
        return self.method.name

    @property
    def settings(self) -> dict[str, Any]:
        """The method's settings."""
        return settings_of(self.method)

    def scores(self, subject: Subject, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """Return the method's scores."""
        return self.method.score(subject, self.folder, queries)


@dataclass(frozen=True)
class RandomScorer:
    """Random scores, drawn for each query: the baseline of chance."""

    seed: int = 0
    name: str = RANDOM

    @property
    def settings(self) -> dict[str, Any]:
        """The seed."""
        return {"seed": self.seed}

    def scores(self, subject: Subject, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """Return normally distributed scores."""
        shape = (len(queries), len(subject.examples))
        return np.random.default_rng(self.seed).standard_normal(shape).astype(np.float32)


def indexes(run: Run) -> dict[str, BuiltMethod]:
    """Return the finished indexes of a run by method name."""
    folders = sorted(path.parent for path in (run.folder / "index").glob(f"*/{MANIFEST}"))
    return {folder.name: BuiltMethod(method_of(folder), folder) for folder in folders}


def method_of(index: Path) -> Method:
    """Return the method of a finished index.

    Raises:
        ArtifactError: there is no finished index.
    """
    config = read_manifest(index, "index").config
    return method_named(config["method"], dict(config["settings"]))


def method_names(run: Run, named: Sequence[str] | None) -> list[str]:
    """Return the methods to evaluate: those named or else the run's indexes, followed by the baselines.

    Raises:
        MethodError: a method is unknown.
    """
    first = list(named) if named is not None else list(indexes(run))
    for name in first:
        if name != RANDOM:
            method_named(name)
    return list(dict.fromkeys([*first, *BASELINES]))


def scorers(
    run: Run, subject: Subject, named: Sequence[str] | None, report: Report = silent
) -> tuple[list[Scorer], list[str]]:
    """Return the scorers of `method_names`, built if needed, and a note for each that is not available.

    Raises:
        ModelError: a method requested by name needs a model that is not available.
    """
    there, found, notes = indexes(run), list[Scorer](), list[str]()
    for name in method_names(run, named):
        try:
            found.append(there.get(name) or (RandomScorer() if name == RANDOM else _built(run, subject, name, report)))
        except ModelError as error:
            if named is not None and name in named:
                raise
            notes.append(f"{name} was left out: {error}")
    return found, notes


def _built(run: Run, subject: Subject, name: str, report: Report) -> BuiltMethod:
    method = method_named(name)
    wanted = Manifest(KIND, {"method": name, "settings": settings_of(method)}, {"run": run.manifest.key})
    folder = run.folder / "evaluation" / "methods" / f"{name}-{wanted.key[:8]}"
    make(folder, wanted, lambda part: method.build(subject, part, report))
    return BuiltMethod(method, folder)
