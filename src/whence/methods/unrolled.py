"""Training unrolled step by step: each example's updates, carried through the later steps to the end of training.

    E(z) = sum over the steps t whose batch holds z of  M_t (eta_t / N_t) p_t(z)
    M_t = exp(-eta_T H_T) ... exp(-eta_(t+1) H_(t+1))        H_k = (1 / N_k) sum over z in batch k of p_k(z) p_k(z)^T
    score(q, z) = <q, E(z)>

the data value embedding of Wang et al. 2024 (arXiv:2412.09538), whose maps I - eta H are here exp(-eta H) (for the
reason, see `whence.core.unrolling`). Order, batches and learning rates eta are the recorded ones. The trainer minimises
the mean over a batch's answer tokens, so that an example's gradient of log p(answer) counts 1 / N_t in a batch of N_t
tokens. Adam divides each entry of a step by sqrt(v). So p_t(z) is that gradient with each entry divided by v^(1/4), q
is the query's at the end in the same way, and both an update and what is left of it later are expressed in the weights
times v^(1/4).

The gradient at a step is approximated by the one at the recorded checkpoint nearest to it, sketched in the metric of
that checkpoint. Adam's momentum, which spreads a gradient over the next steps, is left out, and so are the clipping of
long gradients and rehearsed data. To first order the score would be in nats. But if the data surprise the model, their
empirical Fisher exceeds the Hessian by far, and too little is left of an update: a similarity.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.unrolling import Unrolling
from whence.errors import MethodError
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.gradients.trajectory import Step, Trajectory
from whence.methods.base import Needs, Unit
from whence.methods.rows import begin, describe, description, open_rows, search, write_rows
from whence.methods.sketched_rows import GradientSpec, embed, reporting, require_square
from whence.store.artifact import write_json
from whence.store.shards import Shards
from whence.types import Progress, Query, Report


@dataclass(frozen=True)
class Unrolled:
    """Data value embeddings along the recorded steps. `sketch`: numbers per row, a perfect square."""

    name: ClassVar[str] = "unrolled"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("all")

    sketch: int = 4096
    seed: int = 0

    def __post_init__(self) -> None:
        require_square(self.sketch)

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write each example's gradients at every checkpoint; then go through the steps from the last to the first.

        Raises:
            MethodError: the run has no recorded steps.
        """
        steps = recorded_steps(subject.trajectory)
        shards = Shards(folder, len(subject.examples), self.sketch, subject.compute.rows_per_shard)
        spec = self._spec(subject)
        raw = Shards(folder, shards.rows, spec.total_width, shards.rows_per_shard, "raw")
        begin(shards)
        if not all(shards.has(shard) for shard in range(shards.count)):
            self._write_raw(subject, spec, raw, report)
            self._write_carried(subject.trajectory, steps, raw, shards, report)
        _forget(raw)
        return {**describe(shards), "steps": len(steps)}

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The rest of each example's updates at the end, along each query's gradient there."""
        spec = GradientSpec((subject.trajectory.end,), self.sketch, self.seed, adam=True)
        rows, _ = embed(subject.trajectory, spec, query_tokens(subject, queries), subject.compute)
        return search(open_rows(folder), rows)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """A note if Adam's moments are missing."""
        if any(c.moments for c in subject.trajectory.checkpoints):
            return ()
        return ("Adam's second moments were not recorded: training was unrolled as plain gradient descent.",)

    def _spec(self, subject: Subject) -> GradientSpec:
        return GradientSpec(subject.trajectory.checkpoints, self.sketch, self.seed, adam=True)

    def _write_raw(self, subject: Subject, spec: GradientSpec, raw: Shards, report: Report) -> None:
        tick = reporting(report, raw.rows * len(spec.checkpoints))

        def rows(span: range) -> Tensor:
            items = example_tokens(subject, span)
            found, _ = embed(subject.trajectory, spec, items, subject.compute, tick)
            lengths = [item.answer_length for item in items]
            write_json(_lengths(raw, span.start // raw.rows_per_shard), {"lengths": lengths})
            return found

        write_rows(raw, rows, "gradients", lambda _: None)

    def _write_carried(
        self, path: Trajectory, steps: Sequence[Step], raw: Shards, shards: Shards, report: Report
    ) -> None:
        # The rows are added to in the order of training, so they are in a file: memory may not hold them all.
        total = _empty(_total(shards), shards.rows, self.sketch)
        gradients, unrolling = _Raw.open(raw, self.sketch), Unrolling(self.sketch)
        for done, step in enumerate(reversed(steps), start=1):
            rows, tokens = gradients.of(step.examples, nearest(path, step))
            change = unrolling.back(rows / tokens**0.5, step.learning_rate) / tokens**0.5
            total.index_add_(0, torch.tensor(step.examples), change)
            report(Progress("unrolling", done, len(steps), "steps"))
        for shard in range(shards.count):
            span = shards.span(shard)
            shards.write(shard, total[span.start : span.stop])


def recorded_steps(path: Trajectory) -> tuple[Step, ...]:
    """The steps of a run in order, each with its batch.

    Raises:
        MethodError: they were not recorded.
    """
    if not path.steps or not all(step.examples for step in path.steps):
        raise MethodError(
            "unrolled follows the recorded steps, but this run has no record of which pairs made which step. "
            "Fine-tune with `whence train`, or train with whence's TraceCallback, or choose another method."
        )
    return path.steps


def nearest(path: Trajectory, step: Step) -> int:
    """The index of the checkpoint nearest to the start of a step; the earlier of two."""
    return min(range(len(path.checkpoints)), key=lambda c: abs(path.checkpoints[c].step - (step.step - 1)))


@dataclass(frozen=True)
class _Raw:
    """The examples' gradients on disk, for reading in any order, and each example's number of answer tokens."""

    shards: Shards
    opened: Sequence[Tensor]
    lengths: Sequence[int]
    width: int

    @staticmethod
    def open(shards: Shards, width: int) -> "_Raw":
        found = (json.loads(_lengths(shards, shard).read_text("utf-8"))["lengths"] for shard in range(shards.count))
        return _Raw(shards, list(shards), [length for part in found for length in part], width)

    def of(self, rows: Sequence[int], checkpoint: int) -> tuple[Float[Tensor, "row width"], int]:
        """The gradients of some examples at a checkpoint, and their total number of answer tokens."""
        columns = slice(checkpoint * self.width, (checkpoint + 1) * self.width)
        places = (divmod(row, self.shards.rows_per_shard) for row in rows)
        found = torch.stack([self.opened[shard][row, columns] for shard, row in places])
        return found.float(), sum(self.lengths[row] for row in rows)


def _lengths(raw: Shards, shard: int) -> Path:
    return raw.folder / f"lengths-{shard:05d}.json"


def _total(shards: Shards) -> Path:
    return shards.folder / "carried.f32"


def _empty(path: Path, rows: int, width: int) -> Float[Tensor, "row width"]:
    path.unlink(missing_ok=True)
    return torch.from_file(str(path), shared=True, size=rows * width, dtype=torch.float32).view(rows, width).zero_()


def _forget(raw: Shards) -> None:
    """Remove the files that only the build needs."""
    raw.remove()
    _total(raw).unlink(missing_ok=True)
    description(raw.folder, raw.name).unlink(missing_ok=True)
    for shard in range(raw.count):
        _lengths(raw, shard).unlink(missing_ok=True)
