"""SOURCE: training unrolled in a few segments, each with one curvature; each pair's effect is carried to the end.

    E(z) = sum over segments l of  S_L ... S_(l+1) w (I - exp(-t_l P_l H_l)) H_l^-1 g_l(z)      S_l = exp(-t_l P_l H_l)
    score(q, z) = <q, E(z)>

(Bae et al. 2024, arXiv:2405.12186, section 3; the algebra is in `whence.core.unrolling`.) t_l is the sum of the
learning rates of segment l, g_l(z) the mean over its checkpoints of the gradient of log p(answer), w = 1 / (answer
tokens of all examples), since training minimises the mean over tokens; q is the query's gradient at the end. H_l is
EK-FAC's approximation of that mean's Hessian (`whence.core.kronecker`), with covariances and eigenvalues that are means
over the segment's checkpoints.

P_l is Adam's preconditioner 1 / sqrt(v) with the mean v of the segment's checkpoints; without `adam` it is I. The paper
takes P_l H_l as diagonal and needs H^-1 beside it. Here the Kronecker basis is that of the gradients G times the root
R = P^(1/2), from E[(R G) (R G)^T] and E[(R G)^T (R G)], in which the eigenvalues of R H R are measured: the same two
functions of them apply, and nothing is inverted. With R of the end, E(z) / R is stored, and the query is R q.

Momentum, clipping and rehearsed data are left out, and a segment has one constant gradient: a similarity.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.core.kronecker import Covariance, Eigenbasis, Kronecker, eigenbasis, mean_values
from whence.core.unrolling import Segment, carried
from whence.errors import MethodError
from whence.gradients.capture import Metric, Sketcher
from whence.gradients.curvature import Labels, backpropagate, fit_covariances, fit_values, read_factors, write_factors
from whence.gradients.measurement import Batch
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.base import Needs, Unit
from whence.methods.kfac import labels_named, require_labels, training_batches
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.methods.sketched_rows import GradientSpec, embed, require_square
from whence.store.artifact import write_json
from whence.store.shards import Shards
from whence.types import Progress, Query, Report

TOKENS = "tokens.json"


@dataclass(frozen=True)
class Source:
    """Approximate unrolling by segments. `segments`: number of parts into which the recorded checkpoints are divided;
    `sketch`: numbers per row, a perfect square; `adam`: whether steps were Adam's; `labels`: "sampled" from the model
    for the Gauss-Newton Hessian, or those of the "data" for the empirical Fisher."""

    name: ClassVar[str] = "source"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("all")

    segments: int = 3
    sketch: int = 4096
    adam: bool = True
    labels: str = "sampled"
    seed: int = 0

    def __post_init__(self) -> None:
        require_square(self.sketch)
        if self.segments < 1:
            raise MethodError(f"segments must be at least 1 (found {self.segments}). The default is 3.")
        require_labels(self.labels)

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write the curvature of every segment, then one carried and sketched gradient per training example.

        Raises:
            MethodError: the run has no recorded learning rates.
        """
        groups = self._groups(subject.trajectory)
        shards = Shards(folder, len(subject.examples), self.sketch, subject.compute.rows_per_shard)
        if not all(shards.has(shard) for shard in range(shards.count)):
            tokens = self._fitted(subject, groups, folder, report)
            segments = self._segments(subject.trajectory, groups, folder)
            write_rows(shards, lambda span: self._rows(subject, groups, segments, span) / tokens, "gradients", report)
        for path in (folder / TOKENS, *(_factors(folder, at) for at in range(len(groups)))):
            path.unlink(missing_ok=True)
        return {**describe(shards), "segments": [[c.step for c in group] for group in groups]}

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """The effect of each example that is left at the end, along each query's gradient there."""
        spec = GradientSpec((subject.trajectory.end,), self.sketch, self.seed, self.adam)
        rows, _ = embed(subject.trajectory, spec, query_tokens(subject, queries), subject.compute)
        return search(open_rows(folder), rows)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """Data that this run lacks: Adam's moments, enough checkpoints."""
        path, found = subject.trajectory.checkpoints, list[str]()
        if self.adam and not any(c.moments for c in path):
            found.append("Adam's second moments were not recorded: training was unrolled as plain gradient descent.")
        if len(path) < self.segments:
            found.append(f"Training was unrolled in {len(path)} segments: only {len(path)} checkpoints were recorded.")
        return tuple(found)

    def _groups(self, path: Trajectory) -> tuple[tuple[Checkpoint, ...], ...]:
        """The checkpoints of each segment, divided as evenly as possible."""
        if not path.steps:
            raise MethodError(
                "source unrolls training by its learning rates, but this run has no record of them. "
                "Fine-tune with `whence train`, or train with whence's TraceCallback, or choose another method."
            )
        points, count = path.checkpoints, min(self.segments, len(path.checkpoints))
        edges = [k * len(points) // count for k in range(count + 1)]
        return tuple(points[start:end] for start, end in pairwise(edges))

    def _fitted(self, subject: Subject, groups: Sequence[Sequence[Checkpoint]], folder: Path, report: Report) -> int:
        """Write the curvature of every segment into `folder`; return the number of answer tokens of all examples."""
        if not (folder / TOKENS).is_file():
            lengths = (subject.examples.tokens(i).answer_length for i in range(len(subject.examples)))
            write_json(folder / TOKENS, {"tokens": sum(lengths)})
        tokens = int(json.loads((folder / TOKENS).read_text("utf-8"))["tokens"])
        fit = _Fit(subject, labels_named(self.labels, self.seed), report, 2 * len(subject.trajectory.checkpoints))
        for at, group in enumerate(groups):
            if not _factors(folder, at).is_file():
                found = fit.segment(group, self._root(subject.trajectory, group))
                write_factors(_factors(folder, at), _scaled(found, len(subject.examples) / tokens))
        return tokens

    def _segments(
        self, path: Trajectory, groups: Sequence[Sequence[Checkpoint]], folder: Path
    ) -> dict[str, list[Segment]]:
        """Every layer's segments in order."""
        found: dict[str, list[Segment]] = {name: [] for name in path.layers}
        for at, group in enumerate(groups):
            root, time = self._root(path, group), sum(checkpoint.weight for checkpoint in group)
            for name, curvature in read_factors(_factors(folder, at), path.device).items():
                found[name].append(Segment(curvature, time, root[name] if root else None))
        return found

    def _root(self, path: Trajectory, group: Sequence[Checkpoint]) -> Metric | None:
        """R, with the mean second moment of a group's checkpoints; None if steps are taken as plain."""
        metrics = [path.metric(checkpoint) for checkpoint in group] if self.adam else []
        known = [metric for metric in metrics if metric is not None]
        if not known:
            return None
        # A metric is v^(-1/4).
        second = {name: torch.stack([metric[name].pow(-4) for metric in known]).mean(0) for name in path.layers}
        return {name: mean.pow(-0.25) for name, mean in second.items()}

    def _rows(
        self,
        subject: Subject,
        groups: Sequence[Sequence[Checkpoint]],
        segments: Mapping[str, Sequence[Segment]],
        span: range,
    ) -> Float[Tensor, "example width"]:
        """The examples' rows, without the weight w."""
        total, items = torch.zeros(len(span), self.sketch), example_tokens(subject, span)
        end = subject.trajectory.metric(subject.trajectory.end) if self.adam else None
        for at, group in enumerate(groups):
            for checkpoint in group:
                at_one = (checkpoint,), self.sketch, self.seed, self.adam
                spec = _CarryingSpec(*at_one, segments=segments, at=at, end=end)
                total += embed(subject.trajectory, spec, items, subject.compute)[0] / len(group)
        return total


@dataclass(frozen=True, kw_only=True)
class _CarryingSpec(GradientSpec):
    """Gradients at one checkpoint of segment number `at`, carried to the end and divided by the last metric."""

    segments: Mapping[str, Sequence[Segment]]
    at: int
    end: Metric | None

    def sketcher(self, trajectory: Trajectory, checkpoint: Checkpoint) -> Sketcher:
        plain = super().sketcher(trajectory, checkpoint)
        return _Carrying(plain.projections, segments=self.segments, at=self.at, end=self.end)


@dataclass(frozen=True, kw_only=True)
class _Carrying(Sketcher):
    segments: Mapping[str, Sequence[Segment]]
    at: int
    end: Metric | None

    def __call__(
        self, name: str, backward: Float[Tensor, "row token out"], forward: Float[Tensor, "row token in"]
    ) -> Float[Tensor, "row width"]:
        change = carried(backward.transpose(1, 2) @ forward, self.segments[name], self.at)
        return self.projections[name].dense(change / self.end[name] if self.end else change).flatten(1)


@dataclass
class _Fit:
    """The fit of the segments' curvature on all examples; `passes` is the number of passes over them in total."""

    subject: Subject
    labels: Labels
    report: Report
    passes: int
    done: int = 0

    def segment(self, group: Sequence[Checkpoint], root: Metric | None) -> dict[str, Kronecker]:
        """Each layer's curvature: E[g g^T] over examples and the group's checkpoints, each entry of a gradient g times
        that of `root` if given."""
        spread = [self._covariances(checkpoint, root) for checkpoint in group]
        layers = self.subject.trajectory.layers
        bases = {name: eigenbasis(Covariance.mean([found[name] for found in spread]))[0] for name in layers}
        values = [self._values(checkpoint, root, bases) for checkpoint in group]
        return {name: Kronecker(bases[name], mean_values([found[name] for found in values])) for name in layers}

    def _covariances(self, checkpoint: Checkpoint, root: Metric | None) -> dict[str, Covariance]:
        path, sums = self.subject.trajectory, dict[str, Covariance]()
        if root is None:
            return fit_covariances(path.model, path.layers, self._batches(checkpoint), self.labels)

        def add(name: str, backward: Tensor, forward: Tensor) -> None:
            gradient = root[name] * (backward.transpose(1, 2) @ forward)
            outputs, inputs = gradient @ gradient.transpose(1, 2), gradient.transpose(1, 2) @ gradient
            before = sums.get(name, Covariance(torch.zeros_like(outputs[0]), torch.zeros_like(inputs[0])))
            sums[name] = Covariance(before.outputs + outputs.sum(0), before.inputs + inputs.sum(0))

        for batch in self._batches(checkpoint):
            backpropagate(path.model, path.layers, batch, self.labels, add)
        return sums

    def _values(
        self, checkpoint: Checkpoint, root: Metric | None, bases: Mapping[str, Eigenbasis]
    ) -> dict[str, Tensor]:
        path, sums = self.subject.trajectory, dict[str, Tensor]()
        if root is None:
            return fit_values(path.model, path.layers, self._batches(checkpoint), bases, self.labels)

        def add(name: str, backward: Tensor, forward: Tensor) -> None:
            gradient = root[name] * (backward.transpose(1, 2) @ forward)
            found = bases[name].into(gradient).square().sum(0) / len(self.subject.examples)
            sums[name] = sums[name] + found if name in sums else found

        for batch in self._batches(checkpoint):
            backpropagate(path.model, path.layers, batch, self.labels, add)
        return sums

    def _batches(self, checkpoint: Checkpoint) -> Iterator[Batch]:
        """All examples, with the model at a checkpoint."""
        self.subject.trajectory.move_to(checkpoint)
        for batch in training_batches(self.subject):
            yield batch
            self.done += batch.rows
            self.report(Progress("curvature", self.done, self.passes * len(self.subject.examples), "passes"))


def _scaled(factors: Mapping[str, Kronecker], scale: float) -> dict[str, Kronecker]:
    return {name: Kronecker(factor.basis, scale * factor.values) for name, factor in factors.items()}


def _factors(folder: Path, at: int) -> Path:
    return folder / f"segment-{at}.safetensors"
