"""Medians of interleaved repetitions: the compared pieces run in turn, so that drift of the machine affects both."""

import statistics
import time
from collections.abc import Callable, Mapping


def medians(work: Mapping[str, Callable[[], object]], repetitions: int, warm_up: int = 1) -> dict[str, float]:
    """Seconds of each piece of work: the median of `repetitions` rounds that run every piece once, in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(warm_up + repetitions):
        for name, call in work.items():
            began = time.perf_counter()
            call()
            if turn >= warm_up:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def ratio(work: Mapping[str, Callable[[], object]], repetitions: int) -> tuple[float, dict[str, float]]:
    """The first piece's time over the second's, as the median of the rounds' own ratios, and both medians."""
    first, second = work
    pairs = [medians({first: work[first], second: work[second]}, 1, warm_up=int(i == 0)) for i in range(repetitions)]
    both = {name: statistics.median(pair[name] for pair in pairs) for name in work}
    return statistics.median(pair[first] / pair[second] for pair in pairs), both
