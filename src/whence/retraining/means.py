"""Means with standard errors, and means over seeds with 95 % confidence intervals.

    mean ± t(0.975; n - 1) s / sqrt(n)            Student 1908, "The probable error of a mean", Biometrika 6

with s the standard deviation of the n numbers, one per seed, and t the quantile of Student's distribution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Mean:
    """The mean of `count` numbers; `error` is its standard error (None for a single number)."""

    value: float
    error: float | None
    count: int

    def __str__(self) -> str:
        """The mean ± its standard error."""
        return f"{self.value:.2f}" + (f" ± {self.error:.2f}" if self.error is not None else "")


def mean_of(numbers: Sequence[float]) -> Mean:
    """Return the mean and its standard error: the standard deviation over the root of the count."""
    error = stdev(numbers) / len(numbers) ** 0.5 if len(numbers) > 1 else None
    return Mean(fmean(numbers), error, len(numbers))


@dataclass(frozen=True)
class ConfidenceInterval:
    """The numbers, one per seed, their mean, and the ends of its interval (None for a single number)."""

    each: tuple[float, ...]
    mean: float
    low: float | None
    high: float | None

    @staticmethod
    def of(found: Mapping[str, Any]) -> "ConfidenceInterval":
        """Return an interval from its JSON object."""
        return ConfidenceInterval(tuple(found["each"]), found["mean"], found["low"], found["high"])

    def __str__(self) -> str:
        """The mean, and the interval in brackets."""
        if self.low is None or self.high is None:
            return signed(self.mean)
        return f"{signed(self.mean)} ({signed(self.low)} to {signed(self.high)})"


def confidence_interval(each: Sequence[float]) -> ConfidenceInterval:
    """Return the mean of one or more numbers and its interval."""
    mean = mean_of(each)
    if mean.error is None:
        return ConfidenceInterval(tuple(each), mean.value, None, None)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, mean.count - 1)) * mean.error
    return ConfidenceInterval(tuple(each), mean.value, mean.value - half, mean.value + half)


def signed(value: float) -> str:
    """Format nats with one decimal, or two below 1, and a true minus sign."""
    digits = 2 if abs(value) < 0.995 else 1
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")
