"""A mean over seeds with its 95 % confidence interval.

    mean ± t(0.975; n - 1) s / sqrt(n)            Student 1908, "The probable error of a mean", Biometrika 6

with s the standard deviation of the n numbers, one a seed, and t the quantile of Student's law.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from whence.retraining.means import mean_of

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """The numbers, one a seed, their mean, and the ends of its interval (None of a single number)."""

    each: tuple[float, ...]
    mean: float
    low: float | None
    high: float | None

    @staticmethod
    def of(found: Mapping[str, Any]) -> "Estimate":
        """An estimate from its JSON."""
        return Estimate(tuple(found["each"]), found["mean"], found["low"], found["high"])

    def __str__(self) -> str:
        """The mean, and the interval in brackets, as people write them."""
        if self.low is None or self.high is None:
            return signed(self.mean)
        return f"{signed(self.mean)} ({signed(self.low)} to {signed(self.high)})"


def estimate(each: Sequence[float]) -> Estimate:
    """The mean of numbers and its interval; at least one number."""
    mean = mean_of(each)
    if mean.error is None:
        return Estimate(tuple(each), mean.value, None, None)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, mean.count - 1)) * mean.error
    return Estimate(tuple(each), mean.value, mean.value - half, mean.value + half)


def signed(value: float) -> str:
    """A number of nats: one decimal, two below 1; with a true minus sign."""
    digits = 2 if abs(value) < 0.995 else 1
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")
