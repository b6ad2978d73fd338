"""Sources found: is a pair that an answer is known to come from among the first that a method puts?"""

from collections.abc import Sequence

from jaxtyping import Float
from numpy import ndarray

from whence.evaluation.removal import first_rows
from whence.retraining.means import Mean, mean_of

FIRST = 3


def found_first(
    scores: Float[ndarray, "query train"], sources: Sequence[Sequence[int]], first: int = FIRST
) -> Mean | None:
    """The share of queries with a source among the first rows; queries without known sources do not count."""
    known = [(row, set(rows)) for row, rows in zip(scores, sources, strict=True) if rows]
    if not known:
        return None
    return mean_of([float(bool(rows & set(first_rows(row, first)))) for row, rows in known])
