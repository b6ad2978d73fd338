"""Log-probabilities of answers under retrained models, each measured once and kept.

    <run>/evaluation/values/<key of the retraining>.json        {hash of the query's tokens: nats}

A new question costs forward passes but no retraining. Everything is measured in float32: leaving out pairs moves many
answers by less than the rounding of bfloat16.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray

from whence.gradients.likelihood import values_at, values_now
from whence.gradients.subject import Compute, Subject, query_tokens
from whence.models.adapter import put_weights
from whence.models.base import load
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset
from whence.store.artifact import write_json
from whence.training.run import Run
from whence.types import Progress, Query, Report, Tokens, silent


@dataclass(frozen=True)
class RetrainedModels:
    """A run's model in float32, to measure answers under the run's own weights and under those of its retrainings."""

    retrainings: Retrainings
    subject: Subject

    @staticmethod
    def of(run: Run) -> "RetrainedModels":
        """Load the model of a run; if the run has a stand-in, the stand-in, which is also what is retrained."""
        if run.full:
            path = Run(run.folder, run.manifest).trajectory if run.stood_in else run.trajectory
        else:
            path = run.on(load(run.base_folder, dtype=torch.float32))
        path.finished = None
        return RetrainedModels(Retrainings(run), Subject(run.examples, path, Compute()))

    def own(self, queries: Sequence[Query]) -> Float[ndarray, " query"]:
        """Return log p(answer) under the run's own weights, in nats."""
        path = self.subject.trajectory
        return values_at(path, path.last, query_tokens(self.subject, queries), self.subject.compute).double().numpy()

    def under(
        self, subsets: Sequence[Subset], queries: Sequence[Query], report: Report = silent
    ) -> Float[ndarray, "subset query"]:
        """Return log p(answer) under each retraining, in nats. All retrainings must be finished."""
        items = query_tokens(self.subject, queries)
        found = np.zeros((len(subsets), len(items)))
        report(Progress("answers", 0, len(subsets), "retrained models"))
        for row, subset in enumerate(subsets):
            found[row] = self._values(subset, items)
            report(Progress("answers", row + 1, len(subsets), "retrained models"))
        path = self.subject.trajectory
        path.move_to(path.last)
        return found

    def _values(self, subset: Subset, items: Sequence[Tokens]) -> list[float]:
        file, names = values_file(self.retrainings, subset), [tokens_key(item) for item in items]
        known = read_values(file)
        new = {name: item for name, item in zip(names, items, strict=True) if name not in known}
        if new:
            measured = self._measured(subset, list(new.values()))
            known = {**read_values(file), **dict(zip(new, measured, strict=True))}
            file.parent.mkdir(parents=True, exist_ok=True)
            write_json(file, known)
        return [known[name] for name in names]

    def _measured(self, subset: Subset, items: Sequence[Tokens]) -> list[float]:
        path = self.subject.trajectory
        put_weights(path.model, self.retrainings.weights(subset))
        path.at = -1  # no longer a recorded point
        return values_now(path, items, self.subject.compute).tolist()


def values_file(retrainings: Retrainings, subset: Subset) -> Path:
    """Return the file of the values under one retraining."""
    return retrainings.run.folder / "evaluation" / "values" / f"{retrainings.folder(subset).name}.json"


def read_values(file: Path) -> dict[str, float]:
    """Return the values in a file by query key; empty if there is no file."""
    with suppress(FileNotFoundError):
        return json.loads(file.read_text("utf-8"))
    return {}


def tokens_key(tokens: Tokens) -> str:
    """Return a key of the tokens and of which of them are the answer."""
    return hashlib.sha256(repr((tokens.input_ids, tokens.labels)).encode()).hexdigest()[:32]
