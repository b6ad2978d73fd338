"""The default: a damped inverse empirical Fisher in Adam's metric at several points of the trajectory, in nats.

At checkpoint c let p_i be training example i's gradient of log p(answer), each entry divided by v^(1/4) (v: Adam's
second moment, so that inner products carry Adam's 1/sqrt(v)), and q the query's. With rows P = (p_i),

    alpha_c(q) = (P P^T + d I)^-1 P q          d = damping x mean non-zero eigenvalue

are the weights with which the examples' own changes explain the query's change while training goes on from c
(kernel ridge regression in the tangent features of the model at c; for damping -> 0 it reproduces every training
example's change exactly). The change that example i makes between c and the next point c' is known, so that

    score(q, i) = sum over c of alpha_c(q)_i (log p_i(c') - log p_i(c))      in nats,

and the scores of all examples add up to the part of the query's lift that the examples explain. With a proxy
training, the changes are those of the proxy times one factor: the finished model's total gain on the examples over the
proxy's, so that the nats are the finished model's. By the push-through
identity alpha_c(q)_i = <q, (P^T P + d I)^-1 p_i>: an inverse empirical Fisher (Grosse et al. 2023, arXiv:2308.03296,
eq. 3, with the Fisher of the recorded gradients), and an inner product with a row that is computed once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from safetensors.torch import load_file, save_file
from torch import Tensor

from whence.core.ridge import Fisher, fit_fisher, gram_of, second_moment, whiten_in_span
from whence.errors import MethodError
from whence.gradients.likelihood import values_at, values_now
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.gradients.trajectory import Checkpoint
from whence.methods.base import Needs, Unit
from whence.methods.fisher_tokens import FisherTokens, gram_kept, keep
from whence.methods.pair_scores import pair_scores
from whence.methods.rows import begin, describe, description, open_rows, search, write_rows
from whence.methods.sketched_rows import GradientSpec, embed, reporting, require_square
from whence.methods.token_scores import parts
from whence.store.shards import Shards
from whence.types import Progress, Query, Report


@dataclass(frozen=True)
class FisherInfluence:
    """Multi-checkpoint empirical Fisher. `sketch`: numbers per row and checkpoint, a perfect square; `points`: number
    of checkpoints at which gradients are computed; `damping`: relative to the mean eigenvalue; `second_only`: measure
    only the B factors of an adapter (A's gradients are zero at the start and predict retraining less well); `packed`:
    store rows at half a byte per number, which needs an even sketch."""

    name: ClassVar[str] = "fisher"
    unit: ClassVar[Unit] = "nats"
    needs: ClassVar[Needs] = Needs("all")

    sketch: int = 15876
    points: int = 4
    damping: float = 0.1
    seed: int = 0
    second_only: bool = True
    packed: bool = True

    def __post_init__(self) -> None:
        require_square(self.sketch)
        if self.points < 1 or self.damping <= 0:
            raise MethodError(f"points and damping must be positive (found {self.points} and {self.damping:g}).")
        if self.packed and self.sketch % 2:
            raise MethodError(f"Packed rows need an even sketch, not {self.sketch}. Choose another, or packed=False.")

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write raw gradients shard by shard, then the same rows times the inverse Fisher and the change in nats."""
        spec = self._spec(subject)
        raw = Shards(folder, len(subject.examples), spec.total_width, subject.compute.rows_per_shard, "raw")
        blocks = len(spec.checkpoints) if self.packed else 0
        shards = Shards(folder, raw.rows, raw.width, raw.rows_per_shard, blocks=blocks)
        begin(shards)
        if not all(shards.has(shard) for shard in range(shards.count)):
            self._write_raw(subject, spec, raw, report)
            self._write_finished(spec, raw, shards, report)
        for gone in (raw, *(self._part(shards, c) for c in range(len(spec.checkpoints)))):
            gone.remove()
            description(folder, gone.name).unlink(missing_ok=True)
        gained = {"gain": _gain(shards)} if subject.trajectory.finished else {}
        return {**describe(shards), "points": [c.step for c in spec.checkpoints], **gained}

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """Each example's contribution to each query's log-probability, in nats."""
        items = query_tokens(subject, queries)
        rows, _ = embed(subject.trajectory, self._spec(subject), items, subject.compute)
        return search(open_rows(folder), rows)

    def token_scores(
        self, subject: Subject, folder: Path, queries: Sequence[Query], index: int
    ) -> Float[ndarray, "query token"]:
        """The contribution of each answer token of one example, in nats (see `fisher_tokens`).

        Raises:
            MethodError: the index has too many examples for token scores.
        """
        spec, rows = self._spec(subject), open_rows(folder)
        queried, _ = embed(subject.trajectory, spec, query_tokens(subject, queries), subject.compute)
        changes = torch.cat(_changes(rows))
        directions = FisherTokens(rows, changes, self.sketch, self.damping).directions(queried, index)
        return parts(subject, spec, directions, index)

    def pair_scores(self, folder: Path) -> Float[ndarray, "text train"] | None:
        """The contribution of each pair to each pair's own text, in nats; None if the index kept no Gram matrices."""
        rows = open_rows(folder)
        changes = torch.cat(_changes(rows))
        grams = [gram_kept(folder, c) for c in range(changes.shape[1])]
        found = [gram for gram in grams if gram is not None]
        if len(found) < len(grams):
            return None
        return pair_scores(found, changes, min(rows.rows, self.sketch), self.damping)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """Data that this run lacks: recorded checkpoints, Adam's moments."""
        path, found = subject.trajectory.checkpoints, list[str]()
        if len(path) < 2:
            found.append("The trajectory was not recorded: scores rest on the finished model alone, a weaker basis.")
        elif path[0].step != 0:
            found.append(
                "The start of training was not recorded: the first checkpoint is used for that part of training."
            )
        if not any(c.moments for c in path):
            found.append("Adam's second moments were not recorded: the plain metric was used instead.")
        return tuple(found)

    def _spec(self, subject: Subject) -> GradientSpec:
        chosen = self.chosen(subject.trajectory.checkpoints)
        return GradientSpec(chosen, self.sketch, self.seed, adam=True, second_only=self.second_only)

    def chosen(self, path: Sequence[Checkpoint]) -> tuple[Checkpoint, ...]:
        """`points` checkpoints from the start, spaced by roughly equal sums of learning rates. The end is left out:
        there the gradients of learned pairs have vanished. A trajectory of one point gives that point."""
        before, passed = list(path[:-1]) or list(path), _passed(path)
        count, found = min(self.points, len(before)), [0]
        for k in range(1, count):
            free = range(found[-1] + 1, len(before) - (count - k) + 1)
            wanted = passed[-1] * k / count
            found.append(min(free, key=lambda i: abs(passed[i] - wanted)))
        return tuple(before[i] for i in found)

    def _write_raw(self, subject: Subject, spec: GradientSpec, raw: Shards, report: Report) -> None:
        tick = reporting(report, raw.rows * len(spec.checkpoints))

        def rows(span: range) -> Tensor:
            items = example_tokens(subject, span)
            found, values = embed(subject.trajectory, spec, items, subject.compute, tick)
            end = values_at(subject.trajectory, subject.trajectory.end, items, subject.compute)
            changes = torch.cat([values[:, 1:], end[:, None]], dim=1) - values
            if spec.checkpoints[0].step != 0:
                # The start was not recorded: the change up to the first point is explained in that point's features.
                with subject.trajectory.base():
                    changes[:, 0] += values[:, 0] - values_now(subject.trajectory, items, subject.compute)
            kept = {"changes": changes.contiguous()}
            if subject.trajectory.finished:
                finished = values_at(subject.trajectory, subject.trajectory.finished, items, subject.compute)
                kept["gains"] = torch.stack([finished, end], dim=1) - values[:, :1]
            save_file(kept, _values(raw.folder, span.start // raw.rows_per_shard))
            return found

        write_rows(raw, rows, "gradients", lambda _: None)

    def _write_finished(self, spec: GradientSpec, raw: Shards, shards: Shards, report: Report) -> None:
        """Write checkpoint by checkpoint, so that one inverse is in memory at a time; then join their columns."""
        parts, changes = [self._part(shards, c) for c in range(len(spec.checkpoints))], _changes(raw)
        for c, part in enumerate(parts):
            begin(part)
            if not all(part.has(shard) for shard in range(part.count)):
                self._write_part(spec, raw, part, c, [change[:, c : c + 1] for change in changes])
            report(Progress("inverse Fisher", (c + 1) * raw.rows // len(parts), raw.rows, "examples"))
        for shard in range(shards.count):
            shards.join(shard, parts)

    def _write_part(self, spec: GradientSpec, raw: Shards, part: Shards, c: int, changes: Sequence[Tensor]) -> None:
        inverse = self._inverse(raw, spec, c)
        for shard, change in enumerate(changes):
            part.write(shard, self._finish(raw, shard, c, inverse) * change)

    def _part(self, shards: Shards, c: int) -> Shards:
        """Temporary shards for the columns of one checkpoint."""
        return Shards(shards.folder, shards.rows, self.sketch, shards.rows_per_shard, f"part{c}", int(self.packed))

    def _inverse(self, raw: Shards, spec: GradientSpec, c: int) -> Fisher | Tensor:
        """The factor of one checkpoint's Fisher, or, with few examples, the transformed rows themselves."""
        columns = slice(c * spec.width, (c + 1) * spec.width)
        if raw.rows <= spec.width:
            rows = torch.cat([shard[:, columns].float() for shard in raw])
            gram = gram_of(rows)
            keep(raw.folder, c, gram)
            return whiten_in_span(rows, self.damping, gram)
        moment, count = second_moment((shard[:, columns] for shard in raw), spec.width)
        inverse = fit_fisher(moment, count, self.damping)
        keep(raw.folder, c, inverse)
        return inverse

    def _finish(self, raw: Shards, shard: int, c: int, inverse: Fisher | Tensor) -> Tensor:
        """The transformed gradients of a shard at one checkpoint."""
        if isinstance(inverse, Fisher):
            return inverse.apply(raw.open(shard)[:, c * self.sketch : (c + 1) * self.sketch].float())
        span = raw.span(shard)
        return inverse[span.start : span.stop]


def _passed(path: Sequence[Checkpoint]) -> list[float]:
    """The sum of the learning rates before each checkpoint: each counts half of its own, which lie on both
    sides of it; the first one none and the last one all, since theirs lie on one side."""
    last, ends = len(path) - 1, [c.weight for c in path]
    inner = [0.0 if i == 0 else ends[i] if i == last else ends[i] / 2 for i in range(len(path))]
    return [sum(ends[:i]) + inner[i] for i in range(len(path))]


def _changes(shards: Shards) -> list[Tensor]:
    """The gain of each example between the points, shard by shard, in nats of the model that answers."""
    gain = _gain(shards)
    return [load_file(_values(shards.folder, shard))["changes"] * gain for shard in range(shards.count)]


def _gain(shards: Shards) -> float:
    """The finished model's total gain on the examples over its proxy's; 1 without a proxy, or if either gained
    nothing."""
    kept = (load_file(_values(shards.folder, shard)).get("gains") for shard in range(shards.count))
    finished, own = sum((gains.double().sum(0) for gains in kept if gains is not None), torch.ones(2) * 0.0).tolist()
    return finished / own if finished > 0 and own > 0 else 1.0


def _values(folder: Path, shard: int) -> Path:
    return folder / f"changes-{shard:05d}.safetensors"
