"""A mean with its standard error."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Mean:
    """The mean of `count` numbers; `error` is its standard error (None of a single number)."""

    value: float
    error: float | None
    count: int

    def __str__(self) -> str:
        """The mean and its error as people write them."""
        return f"{self.value:.2f}" + (f" ± {self.error:.2f}" if self.error is not None else "")


def mean_of(numbers: Sequence[float]) -> Mean:
    """Mean, and standard deviation over the root of the count."""
    error = stdev(numbers) / len(numbers) ** 0.5 if len(numbers) > 1 else None
    return Mean(fmean(numbers), error, len(numbers))
