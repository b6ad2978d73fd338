"""Which parts of an answer stand word for word in the pairs. Told by the words alone, whatever punctuation and case."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from whence.types import Example

LEAST = 4
"""Words from which on a sequence counts; of a shorter answer, a share `MOST` of its words."""
MOST = 0.6
NAMED = 20
"""Pairs that are named of a sequence at most."""
LONGEST = 1_000
"""Words of an answer that are looked at; what comes after them is not."""
# Scripts that write no blanks between words: there each character counts as one.
BLANKLESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{BLANKLESS}]|[^\W_{BLANKLESS}]+(?:['’][^\W_{BLANKLESS}]+)*")


@dataclass(frozen=True, slots=True)
class Holder:
    """A pair that holds a sequence of words."""

    id: str
    file_id: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Span:
    """A part of an answer, by characters, half open, that `count` pairs hold word for word; `pairs` are the first."""

    start: int
    end: int
    text: str
    count: int
    pairs: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """So many words of the answer from word `first` on, which a pair holds; the pair holds none beside them there."""

    first: int
    length: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """The words of an answer, and where each sequence of `least` of them begins."""

    words: tuple[str, ...]
    least: int
    starts: dict[tuple[str, ...], list[int]] = field(default_factory=dict[tuple[str, ...], list[int]])

    @staticmethod
    def of(words: Sequence[str]) -> "_Answer":
        made = _Answer(tuple(words), least_words(len(words)))
        for first in range(len(words) - made.least + 1):
            made.starts.setdefault(made.words[first : first + made.least], []).append(first)
        return made

    def runs(self, text: str) -> Iterator[_Run]:
        """The longest sequences of the answer that stand in a text."""
        # Each sequence holds one of every `least` words of the answer: most texts hold none, and are not taken apart.
        plain = folded(text)
        if not any(word in plain for word in self.words[self.least - 1 :: self.least]):
            return
        words = normal(text)
        for place in range(len(words) - self.least + 1):
            for first in self.starts.get(tuple(words[place : place + self.least]), ()):
                if first and place and self.words[first - 1] == words[place - 1]:
                    continue  # it goes on from the word before, where it was found
                yield _Run(first, self._common(words, place, first))

    def _common(self, words: Sequence[str], place: int, first: int) -> int:
        length, most = self.least, min(len(words) - place, len(self.words) - first)
        while length < most and words[place + length] == self.words[first + length]:
            length += 1
        return length


def verbatim(answer: str, pairs: Iterable[Example]) -> list[Span]:
    """The parts of an answer that stand word for word in the question or the answer of a pair, the longest first.

    The longest is taken first, then the longest of what is left beside it, so that no two overlap. Each has at least
    `LEAST` words, or `MOST` of those of a shorter answer.
    """
    places = [match.span() for match in WORD.finditer(answer)][:LONGEST]
    asked = _Answer.of([folded(answer[start:end]) for start, end in places])
    if not asked.words:
        return []
    found: list[tuple[Example, set[_Run]]] = []
    for pair in pairs:
        runs = {run for text in (pair.question, pair.answer) for run in asked.runs(text)}
        if runs:
            found.append((pair, runs))
    taken = _longest_first(len(asked.words), asked.least, {run for _, runs in found for run in runs})
    return [_span(answer, places, run, found) for run in taken]


def least_words(count: int) -> int:
    """How many words a sequence has to have in an answer of `count` words."""
    return max(1, min(LEAST, math.ceil(MOST * count)))


def normal(text: str) -> list[str]:
    """The words of a text, as they are compared."""
    return [folded(word) for word in WORD.findall(text)]


def folded(word: str) -> str:
    """A word, whatever its case and the shape of its apostrophes."""
    return word.casefold().replace("’", "'")


def _longest_first(count: int, least: int, runs: Iterable[_Run]) -> list[_Run]:
    reach = [0] * count  # the longest sequence that begins at each word
    for run in runs:
        for place in range(run.length):
            reach[run.first + place] = max(reach[run.first + place], run.length - place)
    taken: list[_Run] = []
    while True:
        first = max(range(count), key=lambda place: (reach[place], -place))
        length = reach[first]
        if length < least:
            return taken
        taken.append(_Run(first, length))
        for place in range(first):
            reach[place] = min(reach[place], first - place)
        reach[first : first + length] = [0] * length


def _span(
    answer: str, places: Sequence[tuple[int, int]], run: _Run, found: Iterable[tuple[Example, set[_Run]]]
) -> Span:
    end = run.first + run.length
    holders = [pair for pair, runs in found if any(r.first <= run.first and end <= r.first + r.length for r in runs)]
    start, stop = places[run.first][0], places[end - 1][1]
    pairs = tuple(Holder(pair.id, pair.file_id, pair.file, pair.line) for pair in holders[:NAMED])
    return Span(start, stop, answer[start:stop], len(holders), pairs)
