"""Subsets of a run's pairs, each a retraining: random ones of one size, and all pairs but some."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Subset:
    """The rows that a retraining keeps, in order, and its seed."""

    kept: tuple[int, ...]
    seed: int

    def without(self, rows: int) -> list[int]:
        """Return which of `rows` rows it leaves out."""
        return sorted(set(range(rows)) - set(self.kept))


def random_subsets(rows: int, count: int, seed: int, run_seed: int, fraction: float = 0.5) -> list[Subset]:
    """Draw `count` random subsets of `rows` rows. The first n are the same for every count."""
    size = max(1, round(rows * fraction))
    drawn = (random.Random(f"{seed}/{i}").sample(range(rows), size) for i in range(count))
    return [Subset(tuple(sorted(rows)), run_seed) for rows in drawn]


def without(rows: int, removed: Sequence[int], seed: int) -> Subset:
    """Return the subset of all rows but those removed."""
    gone = set(removed)
    return Subset(tuple(row for row in range(rows) if row not in gone), seed)
