"""TRAK: the log-odds of an answer, linearised, and the least-squares fit of the examples' log-odds in its features.

    f(z)        = sum over answer tokens t of log(p_t / (1 - p_t))      the model's output
    phi(z)      = sketch of the gradient of f(z)                        Phi: one row per example
    Q(z)        = mean over answer tokens of 1 - p_t                    sensitivity of the loss to the output
    score(q, z) = Q(z) phi(q)^T (Phi^T Phi + d I)^-1 phi(z)             d = damping x mean non-zero eigenvalue

(Park et al. 2023, arXiv:2303.14186, section 3.) f and Q are the paper's for one classification, p against the rest,
applied to every token of an answer: summed in f, averaged in Q. The log-odds of a learned token keep a gradient when
its log-probability has none left; Q then makes its example's score small.

The paper has more examples than numbers per row and needs no damping; here there are often fewer. With several points,
Q and the kernel are each averaged over them, as over the paper's ensemble; the paper's models were trained separately,
these are points of one trajectory. The paper's last step, in which small scores are set to zero, is left out: here the
null decides which pairs are returned.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from whence.core.projection import side_of
from whence.core.ridge import fit_fisher, second_moment, whiten_in_span
from whence.errors import MethodError
from whence.gradients.capture import Sketcher, only_inputs_need_gradients, watching
from whence.gradients.likelihood import passes
from whence.gradients.measurement import Batch, answer_logits
from whence.gradients.subject import Subject, example_tokens, query_tokens
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.methods.base import Needs, Unit
from whence.methods.rows import begin, describe, description, open_rows, search, write_rows
from whence.methods.sketched_rows import require_square
from whence.store.shards import Shards
from whence.types import Progress, Query, Report, Tokens


@dataclass(frozen=True)
class Trak:
    """Kernel regression on log-odds. `sketch`: numbers per row and point, a perfect square; `points`: number
    of checkpoints to average, including the last; `damping`: relative to the mean eigenvalue."""

    name: ClassVar[str] = "trak"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("last")

    sketch: int = 4096
    points: int = 1
    damping: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        require_square(self.sketch)
        if self.points < 1 or self.damping <= 0:
            raise MethodError(f"points and damping must be positive (found {self.points} and {self.damping:g}).")

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write features and Q shard by shard, then the features times the inverse kernel and Q."""
        points = self._points(subject)
        raw = Shards(folder, len(subject.examples), len(points) * self.sketch, subject.compute.rows_per_shard, "raw")
        shards = Shards(folder, raw.rows, raw.width, raw.rows_per_shard)
        begin(shards)
        if not all(shards.has(shard) for shard in range(shards.count)):
            self._write_raw(subject, raw, report)
            self._write_finished(raw, shards, report)
        _remove(raw)
        return {**describe(shards), "points": [c.step for c in points]}

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """Q(example) phi(query)^T (Phi^T Phi + d I)^-1 phi(example) for all."""
        return search(open_rows(folder), self._features(subject, query_tokens(subject, queries))[0])

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """Notes if fewer points were recorded than `points`, or only the end was used."""
        points = self._points(subject)
        if len(points) == 1:
            return ("Only the end of fine-tuning was used.",)
        if len(points) < self.points:
            return (f"Only {len(points)} of {self.points} points were recorded after the start.",)
        return ()

    def _points(self, subject: Subject) -> tuple[Checkpoint, ...]:
        return closing(subject.trajectory.answering, self.points)

    def _features(self, subject: Subject, items: Sequence[Tokens]) -> tuple[Tensor, Tensor]:
        """Each item's features at the points, side by side, and its mean Q over them."""
        path, points = subject.trajectory, self._points(subject)
        rows, doubts = torch.empty(len(items), len(points) * self.sketch), torch.zeros(len(items))
        sketcher = Sketcher(path.projections(side_of(self.sketch), self.seed))
        for c, point in enumerate(points):
            path.move_to(point)
            for chosen, batch in passes(path, items, subject.compute):
                found, doubt = features(path, batch, sketcher)
                rows[chosen, c * self.sketch : (c + 1) * self.sketch] = found.cpu()
                doubts[chosen] += doubt.cpu() / len(points)
        return rows, doubts

    def _write_raw(self, subject: Subject, raw: Shards, report: Report) -> None:
        def rows(span: range) -> Tensor:
            found, doubts = self._features(subject, example_tokens(subject, span))
            save_file({"doubts": doubts}, _doubts(raw, span.start // raw.rows_per_shard))
            return found

        write_rows(raw, rows, "gradients", report)

    def _write_finished(self, raw: Shards, shards: Shards, report: Report) -> None:
        points = [slice(start, start + self.sketch) for start in range(0, raw.width, self.sketch)]
        inverses = [inverted(raw, columns, self.damping) for columns in points]
        for shard in range(shards.count):
            doubts = load_file(_doubts(raw, shard))["doubts"]
            rows = torch.cat([inverse(shard) for inverse in inverses], dim=1)
            shards.write(shard, rows * doubts[:, None] / len(points))
            report(Progress("inverse kernel", shards.span(shard).stop, shards.rows, "examples"))


def inverted(raw: Shards, columns: slice, damping: float) -> Callable[[int], Tensor]:
    """A function of a shard: its features at one point times (Phi^T Phi + d I)^-1."""
    width = columns.stop - columns.start
    if raw.rows <= width:
        spanned = whiten_in_span(torch.cat([rows[:, columns].float() for rows in raw]), damping)
        return lambda shard: spanned[raw.span(shard).start : raw.span(shard).stop]
    moment, count = second_moment((rows[:, columns] for rows in raw), width)
    fit = fit_fisher(moment, count, damping)
    return lambda shard: fit.apply(raw.open(shard)[:, columns].float())


def closing(path: Sequence[Checkpoint], points: int) -> tuple[Checkpoint, ...]:
    """`points` checkpoints spread evenly up to the end, which is one of them; the start, where nothing has been
    learned yet, is left out. A trajectory of one point gives that point."""
    after = [c for c in path if c.step > 0] or list(path)
    count = min(points, len(after))
    return tuple(after[(i + 1) * len(after) // count - 1] for i in range(count))


def log_odds(model: nn.Module, batch: Batch) -> Float[Tensor, " answer"]:
    """log(p / (1 - p)) of every answer token, row after row: its logit against all others, which is stable for
    p near 1."""
    logits, targets = answer_logits(model, batch), batch.targets[:, None]
    others = logits.scatter(1, targets, -torch.inf).logsumexp(1)
    return logits.gather(1, targets).squeeze(1) - others


def features(
    trajectory: Trajectory, batch: Batch, sketcher: Sketcher
) -> tuple[Float[Tensor, "row width"], Float[Tensor, " row"]]:
    """Each row's sketched gradient of its summed log-odds, and its Q: the mean over its tokens of 1 - p."""
    total = torch.zeros(batch.rows, sketcher.width, device=trajectory.device)

    def add(name: str, backward: Tensor, forward: Tensor) -> None:
        total.add_(sketcher(name, backward, forward).flatten(1))

    with only_inputs_need_gradients(trajectory.model), watching(trajectory.layers, add), torch.enable_grad():
        odds = log_odds(trajectory.model, batch)
        odds.sum().backward()
    doubt = torch.zeros(batch.rows, device=odds.device).index_add(0, batch.owner, torch.sigmoid(-odds.detach()))
    return total, doubt / batch.owner.bincount(minlength=batch.rows)


def _doubts(raw: Shards, shard: int) -> Path:
    return raw.folder / f"doubts-{shard:05d}.safetensors"


def _remove(raw: Shards) -> None:
    raw.remove()
    description(raw.folder, raw.name).unlink(missing_ok=True)
    for shard in range(raw.count):
        _doubts(raw, shard).unlink(missing_ok=True)
