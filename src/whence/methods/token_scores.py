"""The parts of a training pair's score that the tokens of its answer carry.

The measured log p(answer) is a sum over the answer's tokens, and so is its gradient: g(z) = sum over t of g_t(z). A
score that is linear in the pair's gradient, <w, g(z)>, is therefore the sum of its tokens' parts

    score(q, z, t) = <w(q, z), g_t(z)>

The method defines w. The parts come from one forward pass along w at each checkpoint (`gradients/jvp.py`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.errors import MethodError
from whence.gradients.jvp import token_jvp
from whence.gradients.likelihood import passes
from whence.gradients.subject import Subject
from whence.methods.base import Method
from whence.methods.sketched_rows import GradientSpec
from whence.types import Query


@runtime_checkable
class ByToken(Protocol):
    """A method whose scores are linear in the gradient of the training pair."""

    def token_scores(
        self, subject: Subject, folder: Path, queries: Sequence[Query], index: int
    ) -> Float[ndarray, "query token"]:
        """For each query, the parts of the answer tokens of training example `index` in its score."""
        ...


def by_token(method: Method) -> ByToken:
    """The method, if it scores tokens.

    Raises:
        MethodError: it scores whole pairs only.
    """
    if isinstance(method, ByToken):
        return method
    raise MethodError(
        f"Token scores need a method that is linear in a pair's gradient, which {method.name} is not. "
        "Use the index of fisher, tracin, grad_dot or grad_cos."
    )


def parts(
    subject: Subject, spec: GradientSpec, directions: Float[Tensor, "query width"], index: int
) -> Float[ndarray, "query token"]:
    """<w, g_t> for every query's w, in the spec's sketches, and every answer token of a training example, in order."""
    path, tokens = subject.trajectory, subject.examples.tokens(index)
    ((_, batch),) = passes(path, [tokens], subject.compute)
    found = torch.zeros(len(directions), len(batch.targets), dtype=torch.float64)
    for c, checkpoint in enumerate(spec.checkpoints):
        path.move_to(checkpoint)
        sketcher = spec.sketcher(path, checkpoint)
        for part, direction in zip(found, directions[:, c * spec.width : (c + 1) * spec.width], strict=True):
            part += token_jvp(path.model, spec.layers(path), batch, sketcher, direction.to(path.device)).cpu()
    return found.float().numpy()
