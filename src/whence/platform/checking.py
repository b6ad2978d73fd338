"""The check of a file before its upload: its pairs, everything wrong with them, and duplicates.

Nothing is kept. Parquet is read in a process of limited memory: `python -m whence.platform.checking FILE NAME`.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from whence.data.metadata import metadata
from whence.data.report import Twins
from whence.data.validate import examples, with_records
from whence.errors import DataError, Fault
from whence.platform.files import PAIRS, check_name, type_of
from whence.platform.inspection import length_of, limited, within_limits
from whence.types import Example, exchange

PROBLEMS = 1000
"""Problems, and groups of duplicates, that are told; all problems are counted."""
SAMPLE = 50


@dataclass(frozen=True)
class Problem:
    """A rule that a line breaks (line 0: the file as a whole), what was found there, and how to mend it."""

    line: int
    rule: str
    value: str
    fix: str


@dataclass(frozen=True)
class Copies:
    """The lines of a pair that stands in the file more than once."""

    lines: list[int]
    question: str


@dataclass
class Checked:
    """The content of a file. `lines` counts its records, `question_chars` and `answer_chars` are means over the pairs.

    `sample` has the first pairs as JSON objects.
    """

    filename: str
    bytes: int
    lines: int = 0
    pairs: int = 0
    problems: list[Problem] = field(default_factory=list[Problem])
    problems_total: int = 0
    duplicates: list[Copies] = field(default_factory=list[Copies])
    question_chars: float = 0.0
    answer_chars: float = 0.0
    sample: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def fault(self, fault: Fault) -> None:
        """Count a broken rule."""
        self.problems_total += 1
        if len(self.problems) < PROBLEMS:
            self.problems.append(Problem(fault.line, fault.rule, fault.value, fault.fix))

    def pair(self, example: Example, record: dict[str, Any]) -> None:
        """Count a sound pair."""
        self.pairs += 1
        self.question_chars += (len(example.question) - self.question_chars) / self.pairs
        self.answer_chars += (len(example.answer) - self.answer_chars) / self.pairs
        if len(self.sample) < SAMPLE:
            self.sample.append(as_json(example, self.filename, metadata(record)))


def check(path: Path, name: str) -> dict[str, Any]:
    """Return what the file at `path`, known to the user as `name`, holds, as a JSON object.

    Raises:
        DataError: its name cannot be that of a file of pairs, or it unfolds to more than it may.
    """
    if type_of(check_name(name), PAIRS) == "parquet":
        return limited(__name__, path, name)
    return checked(path, name, math.inf)


def checked(path: Path, name: str, most: float) -> dict[str, Any]:
    """Return what a file holds; its text may have `most` characters in all.

    Raises:
        MemoryError: there is more text, or the memory of this process is not enough.
    """
    found = Checked(name, path.stat().st_size)
    twins, size = Twins(), 0
    try:
        for line, one in _by_line(path):
            found.lines += line
            if isinstance(one, Fault):
                found.fault(one)
                continue
            found.pair(*one)
            twins.add(one[0])
            size += length_of(one[0])
            if size > most:
                raise MemoryError
    except DataError as error:
        if isinstance(error.__cause__, MemoryError):
            raise error.__cause__ from None
        for fault in error.faults:
            found.fault(fault)
    found.duplicates = _copies(path, twins)
    return asdict(found)


def _by_line(path: Path) -> Iterator[tuple[bool, tuple[Example, dict[str, Any]] | Fault]]:
    """Each pair or fault, and whether it is the first of its line."""
    last = 0
    for one in with_records(path):
        line = one.line if isinstance(one, Fault) else one[0].line
        yield line != last, one
        last = line


def _copies(path: Path, twins: Twins) -> list[Copies]:
    groups = [[line for _, line in places] for places in islice(twins.groups(), PROBLEMS)]
    groups = [lines for lines in groups if len(set(lines)) > 1]
    if not groups:
        return []
    questions = _questions(path, {lines[0] for lines in groups})
    return [Copies(sorted(set(lines)), questions[lines[0]]) for lines in groups]


def _questions(path: Path, lines: set[int]) -> dict[int, str]:
    """The first question of each of these lines, read again: to remember all would take as much memory as the file."""
    found: dict[int, str] = {}
    for one in examples(path):
        if isinstance(one, Example) and one.line in lines:
            found.setdefault(one.line, one.question)
            if len(found) == len(lines):
                break
    return found


def as_json(example: Example, file: str, besides: dict[str, Any]) -> dict[str, Any]:
    """A pair of a file that a person calls `file`, as JSON has it."""
    return {
        "id": example.id,
        "file_id": example.file_id,
        "file": file,
        "line": example.line,
        "turn": example.turn,
        "question": example.question,
        "answer": example.answer,
        "messages": exchange(example.messages),
        "conversation": [m.to_dict() for m in example.messages],
        "metadata": besides,
    }


if __name__ == "__main__":
    sys.exit(within_limits(checked))
