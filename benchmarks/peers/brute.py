"""Gradient dots and cosines by hand, one conversation at a time: the reference for those of the libraries."""

import numpy as np
import torch
from torch import Tensor

from benchmarks.peers.material import Job, Outcome, collate, load, main, summed_loss, timed


def gradients(job: Job, rows: list[dict[str, list[int]]]) -> Tensor:
    """Each conversation's gradient of its loss in the adapter's weights, [row, weight]."""
    model = load(job)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    found = (torch.autograd.grad(summed_loss(model, collate([row], job.pad)), weights) for row in rows)
    return torch.stack([torch.cat([part.flatten() for part in parts]) for parts in found])


def products(job: Job, cosine: bool) -> Outcome:
    """<gradient of the query, gradient of the pair>, each at length 1 with `cosine`."""
    train, build = timed(lambda: gradients(job, job.train))
    _, one = timed(lambda: gradients(job, job.queries[:1]))
    queries, every = timed(lambda: gradients(job, job.queries))
    if cosine:
        train, queries = torch.nn.functional.normalize(train), torch.nn.functional.normalize(queries)
    scores: np.ndarray = (queries @ train.T).numpy()
    return Outcome(scores, build, every / len(job.queries), one, 4 * train.numel(), {"cosine": cosine})


VARIANTS = {"grad_dot": lambda job: products(job, False), "grad_cos": lambda job: products(job, True)}

if __name__ == "__main__":
    main(VARIANTS)
