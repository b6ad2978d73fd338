"""Tail patch: one more training step on a method's first pairs, and how far the answer moves.

    w'           = w + eta g / (sqrt(v) + eps)      g: gradient of the mean log p of the first pairs' answer tokens
    tail patch q = log p(answer of q; w') - log p(answer of q; w)      in nats

(Chang et al. 2024, arXiv:2410.17413, section 5.2.) The step is the run's own: Adam's recorded second moments v, its
clipping, and eta the learning rate of its last step; it has no momentum, which belongs to the pairs before. With the
run's mean rate, some fifty times that, a step on any pairs at all leaves the valley that the run ended in, and every
answer loses. It costs no retraining, and measures less: what the pairs would teach now, not what they taught.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from numpy import ndarray
from safetensors.torch import load_file
from torch import Tensor

from whence.evaluation.removal import first_rows
from whence.gradients.likelihood import values_now
from whence.gradients.measurement import collate, log_probabilities
from whence.gradients.subject import Subject, query_tokens
from whence.gradients.trajectory import ADAM_EPSILON, Trajectory
from whence.models.adapter import trainable
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.means import Mean, mean_of
from whence.types import Progress, Query, Report, silent

CLIPPED = 1.0
"""The largest norm of the gradient, as in the run."""


def tail_patches(
    models: RetrainedModels,
    scores: Mapping[str, Float[ndarray, "query train"]],
    queries: Sequence[Query],
    tail: int,
    report: Report = silent,
) -> dict[str, Mean]:
    """Return the mean change of each method, in nats, by a step on its first `tail` pairs."""
    patch, items = Patch.of(models.subject), query_tokens(models.subject, queries)
    own, total = models.own(queries), len(scores) * len(queries)
    found: dict[str, list[float]] = {name: [] for name in scores}
    report(Progress("tail patches", 0, total, "steps"))
    for name, rows in scores.items():
        for query, item in enumerate(items):
            patch.step(first_rows(rows[query], tail))
            (value,) = values_now(models.subject.trajectory, [item], models.subject.compute).tolist()
            found[name].append(value - float(own[query]))
        report(Progress("tail patches", sum(map(len, found.values())), total, "steps"))
    models.subject.trajectory.move_to(models.subject.trajectory.last)
    return {name: mean_of(changes) for name, changes in found.items()}


class Patch:
    """The last point of a run, from which single steps are taken."""

    def __init__(self, subject: Subject, moments: Mapping[str, Tensor], rate: float) -> None:
        self.subject, self.moments, self.rate = subject, moments, rate

    @staticmethod
    def of(subject: Subject) -> "Patch":
        """Return the patch of a subject whose run recorded Adam's second moments."""
        last = subject.trajectory.last
        assert last.moments  # a run with a recipe has them
        moments = {name: v.float().to(subject.trajectory.device) for name, v in load_file(last.moments).items()}
        return Patch(subject, moments, last_rate(subject.trajectory))

    def step(self, rows: Sequence[int]) -> None:
        """Set the model to the weights after one step on these pairs from the end of the run."""
        path = self.subject.trajectory
        path.move_to(path.last)
        named = trainable(path.model)
        gradients = torch.autograd.grad(self._objective(rows), list(named.values()))
        length = torch.stack([g.norm() for g in gradients]).norm()
        scale = self.rate * min(1.0, CLIPPED / max(float(length), CLIPPED))
        with torch.no_grad():
            for (name, weight), gradient in zip(named.items(), gradients, strict=True):
                weight.add_(gradient / (self.moments[name].sqrt() + ADAM_EPSILON), alpha=scale)
        path.at = -1  # no longer a recorded point

    @torch.enable_grad()
    def _objective(self, rows: Sequence[int]) -> Tensor:
        path, items = self.subject.trajectory, [self.subject.examples.tokens(row) for row in rows]
        pad = path.tokenizer.pad_token_id
        batch = collate(items, pad if isinstance(pad, int) else 0, "right", path.device)
        return log_probabilities(path.model, batch).sum() / len(batch.targets)


def last_rate(path: Trajectory) -> float:
    """Return the learning rate of a trajectory's last step."""
    return path.steps[-1].learning_rate
