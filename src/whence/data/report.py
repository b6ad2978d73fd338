"""The contents and faults of a data set, counted in one pass."""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np

from whence.data.identity import content_key
from whence.errors import Fault
from whence.types import Example, Tokens

FAULTS_KEPT = 20

Place = tuple[str, int]
"""A file and a line."""


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """The numbers of tokens in the examples; `answers` counts those that carry loss."""

    total: int
    longest: int
    mean: float
    answers: int


@dataclass(frozen=True, slots=True)
class DataReport:
    """The result of a check. `faults` holds the first 20 of `fault_count`.

    `rows` counts records, `examples` assistant turns of valid records. `duplicates` groups the places of
    examples with exactly the same content. `tokens` is None if no tokenizer was given.
    """

    rows: int
    examples: int
    bytes: int
    formats: dict[str, int]
    tokens: TokenCounts | None
    duplicates: tuple[tuple[Place, ...], ...]
    faults: tuple[Fault, ...]
    fault_count: int

    @property
    def valid(self) -> bool:
        """True if every line can be used."""
        return self.fault_count == 0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        duplicates = [[{"file": file, "line": line} for file, line in group] for group in self.duplicates]
        return {**asdict(self), "valid": self.valid, "duplicates": duplicates}


class Tally:
    """Counts examples and faults one by one; `report` returns the sums."""

    def __init__(self) -> None:
        self.rows = self.examples = self.bytes = self.fault_count = 0
        self.formats: Counter[str] = Counter()
        self._faults: list[Fault] = []
        self._total = self._longest = self._answers = 0
        self._twins = Twins()

    def fault(self, fault: Fault) -> None:
        """Count a broken rule."""
        self.fault_count += 1
        if len(self._faults) < FAULTS_KEPT:
            self._faults.append(fault)

    def example(self, example: Example, tokens: Tokens | None) -> None:
        """Count a valid example."""
        self.examples += 1
        self._twins.add(example)
        if tokens:
            self._total += len(tokens.input_ids)
            self._longest = max(self._longest, len(tokens.input_ids))
            self._answers += tokens.answer_length

    def report(self, tokenised: bool) -> DataReport:
        """Return the sums so far."""
        mean = self._total / self.examples if self.examples else 0.0
        counts = TokenCounts(self._total, self._longest, mean, self._answers)
        return DataReport(
            rows=self.rows,
            examples=self.examples,
            bytes=self.bytes,
            formats=dict(self.formats),
            tokens=counts if tokenised else None,
            duplicates=tuple(self._twins.groups()),
            faults=tuple(self._faults),
            fault_count=self.fault_count,
        )


class Twins:
    """Finds examples of the same content in 28 bytes per example: a key and a place."""

    def __init__(self) -> None:
        self._keys = bytearray()
        self._files: dict[str, int] = {}
        self._file_of, self._lines = array("i"), array("q")

    def add(self, example: Example) -> None:
        """Remember an example's content and place."""
        self._keys += content_key(example.messages or example.tokens or ())
        self._file_of.append(self._files.setdefault(example.file, len(self._files)))
        self._lines.append(example.line)

    def groups(self) -> Iterator[tuple[Place, ...]]:
        """Yield the places of each content that occurs more than once, both in the order of the data."""
        halves = np.frombuffer(bytes(self._keys), np.uint64).reshape(-1, 2)
        order = np.lexsort((halves[:, 1], halves[:, 0]))  # stable, so twins stay in the order of the data
        new = np.any(halves[order][1:] != halves[order][:-1], axis=1)
        starts = np.concatenate([[0], np.flatnonzero(new) + 1, [len(order)]])
        together = [order[a:b] for a, b in pairwise(starts.tolist()) if b - a > 1]
        names = list(self._files)
        places = (
            tuple((names[self._file_of[i]], self._lines[i]) for i in cast(list[int], group.tolist()))
            for group in sorted(together, key=lambda group: int(group[0]))
        )
        # The turns of a repeated conversation are twins at the same places: list them once.
        yield from dict.fromkeys(places)
