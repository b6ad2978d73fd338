"""LESS: cosine of the query's gradient with the step that Adam would take for the example, along the trajectory.

    Gamma_c(z)  = g_c(z) / (sqrt(v_c) + eps)
    score(q, z) = sum over checkpoints c of eta_c cos(g_c(q), Gamma_c(z))

(Xia et al. 2024, arXiv:2402.04333, definition 3.1.) `eta_c` is the sum of the learning rates of the steps nearest to
the checkpoint, v_c Adam's second moment there. Only the training side is divided; the query's gradient stays plain.
In the paper Gamma is m / (sqrt(v) + eps), with the example's gradient mixed into both moments. A run records second
moments alone: the first moment, which is the same for all examples before the mixing, is left out, and v is used
unmixed. The start has no moments yet and uses those of the next checkpoint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.similarity import unit_rows
from whence.gradients.capture import Sketcher
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.base import Needs, Unit
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.methods.sketched_rows import GradientSpec, embed, require_square
from whence.store.shards import Shards
from whence.types import Query, Report, Tokens


@dataclass(frozen=True)
class StepSpec(GradientSpec):
    """Gradients as Adam's steps, g / (sqrt(v) + eps), if `adam` is set. A `GradientSpec` uses the root of that."""

    def sketcher(self, trajectory: Trajectory, checkpoint: Checkpoint) -> Sketcher:
        """The sketch of one checkpoint's steps; of its plain gradients if no moments were recorded."""
        root = super().sketcher(trajectory, checkpoint)
        if root.metric is None:
            return root
        return replace(root, metric={name: weight.square() for name, weight in root.metric.items()})


@dataclass(frozen=True)
class Less:
    """Cosine of plain query gradients with Adam's steps. `sketch`: numbers per row and checkpoint, a perfect square."""

    name: ClassVar[str] = "less"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("all")

    sketch: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        require_square(self.sketch)

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write each example's steps at the checkpoints side by side, each of the length `eta_c`."""
        spec = self._spec(subject, adam=True)
        rates = torch.tensor([c.weight for c in spec.checkpoints]).repeat_interleave(self.sketch)
        shards = Shards(folder, len(subject.examples), spec.total_width, subject.compute.rows_per_shard)

        def rows(span: range) -> Tensor:
            return rates * self._directions(subject, spec, example_tokens(subject, span))

        write_rows(shards, rows, "gradients", report)
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The sum of cosines, weighted by learning rates, for all."""
        spec = self._spec(subject, adam=False)
        return search(open_rows(folder), self._directions(subject, spec, query_tokens(subject, queries)))

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """Data that this run lacks: recorded checkpoints, Adam's moments."""
        path, found = subject.trajectory.checkpoints, list[str]()
        if len(path) < 2:
            found.append("Only one checkpoint was recorded: this is a cosine at that point.")
        return (*found, *plain_note(subject, path))

    def _spec(self, subject: Subject, adam: bool) -> StepSpec:
        return StepSpec(subject.trajectory.checkpoints, self.sketch, self.seed, adam)

    def _directions(self, subject: Subject, spec: StepSpec, items: Sequence[Tokens]) -> Tensor:
        rows, _ = embed(subject.trajectory, spec, items, subject.compute)
        return torch.cat([unit_rows(part) for part in rows.split(self.sketch, dim=1)], dim=1)


def plain_note(subject: Subject, points: Sequence[Checkpoint]) -> tuple[str, ...]:
    """A sentence if none of the points has Adam's second moments; nothing otherwise."""
    if any(subject.trajectory.moments_for(c) for c in points):
        return ()
    return ("Adam's second moments were not recorded: plain gradients were used instead of its steps.",)
