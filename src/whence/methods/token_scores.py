"""Which tokens of a training pair's answer carry the pair's score.

The measured log p(answer) is a sum over the answer's tokens, and so is its gradient: g(z) = sum over t of g_t(z). A
score that is linear in the pair's gradient, <w, g(z)>, is therefore the sum of its tokens' parts

    score(q, z, t) = <w(q, z), g_t(z)>

What w is, the method says.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from whence.errors import MethodError
from whence.methods.base import Method, Subject
from whence.methods.gradient_rows import Lens, embed
from whence.types import NO_LOSS, Query, Tokens


@runtime_checkable
class ByToken(Protocol):
    """A method whose scores are linear in the gradient of the training pair."""

    def token_scores(
        self, subject: Subject, folder: Path, queries: Sequence[Query], index: int
    ) -> Float[ndarray, "query token"]:
        """For each query the parts that the answer tokens of training example `index` have in its score."""
        ...


def by_token(method: Method) -> ByToken:
    """The method as one that scores tokens.

    Raises:
        MethodError: it scores whole pairs only.
    """
    if isinstance(method, ByToken):
        return method
    raise MethodError(
        f"Only methods that are linear in a pair's gradient can tell its tokens apart, and {method.name} is none of "
        "them. Use the index of fisher, tracin, grad_dot or grad_cos."
    )


def token_gradients(subject: Subject, lens: Lens, index: int) -> Float[Tensor, "token width"]:
    """The sketched gradient of each answer token of a training example, in order; together they are its row."""
    alone = one_by_one(subject.examples.tokens(index))
    return embed(subject.trajectory, lens, alone, subject.compute)[0]


def one_by_one(tokens: Tokens) -> list[Tokens]:
    """The conversation once for each token of its answer, with the loss of that token only."""
    bare = [NO_LOSS] * len(tokens.labels)
    places = [t for t, label in enumerate(tokens.labels) if t and label != NO_LOSS]
    return [Tokens(tokens.input_ids, (*bare[:t], tokens.labels[t], *bare[t + 1 :])) for t in places]


def parts(
    directions: Float[Tensor, "query width"], gradients: Float[Tensor, "token width"]
) -> Float[ndarray, "query token"]:
    """<w, g_t> for every query's w and every token."""
    return (directions.double() @ gradients.double().T).float().numpy()
