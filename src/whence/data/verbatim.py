"""The parts of an answer that occur word for word in the pairs, ignoring punctuation and case."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from whence.types import Example

LEAST = 4
"""The fewest words of a sequence; for a shorter answer, a share `MOST` of its words."""
MOST = 0.6
NAMED = 20
"""The most pairs that are named per sequence."""
LONGEST = 1_000
"""The words of an answer that are searched; later ones are ignored."""
# Scripts without spaces between words: each character counts as a word.
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
    """A part of an answer, a half-open span of characters, that `count` pairs hold word for word; `pairs` are the
    first of them."""

    start: int
    end: int
    text: str
    count: int
    pairs: tuple[Holder, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    """A longest common sequence: `length` words of the answer, from word `first` on, that a pair holds."""

    first: int
    length: int


@dataclass(frozen=True, slots=True)
class _Answer:
    """The words of an answer, and the places at which each sequence of `least` words begins."""

    words: tuple[str, ...]
    least: int
    starts: dict[tuple[str, ...], list[int]] = field(default_factory=dict[tuple[str, ...], list[int]])

    @staticmethod
    def of(words: Sequence[str]) -> "_Answer":
        answer = _Answer(tuple(words), least_words(len(words)))
        for first in range(len(words) - answer.least + 1):
            answer.starts.setdefault(answer.words[first : first + answer.least], []).append(first)
        return answer

    def runs(self, text: str) -> Iterator[_Run]:
        """Yield the longest sequences of the answer that occur in a text."""
        # Each sequence holds one of every `least` words of the answer: most texts hold none and need not be split.
        plain = folded(text)
        if not any(word in plain for word in self.words[self.least - 1 :: self.least]):
            return
        words = normal(text)
        for place in range(len(words) - self.least + 1):
            for first in self.starts.get(tuple(words[place : place + self.least]), ()):
                if first and place and self.words[first - 1] == words[place - 1]:
                    continue  # found already, from the word before
                yield _Run(first, self._common(words, place, first))

    def _common(self, words: Sequence[str], place: int, first: int) -> int:
        length, most = self.least, min(len(words) - place, len(self.words) - first)
        while length < most and words[place + length] == self.words[first + length]:
            length += 1
        return length


def verbatim(answer: str, pairs: Iterable[Example]) -> list[Span]:
    """Return the parts of an answer that occur word for word in the question or the answer of a pair, longest first.

    The longest is taken first, then the longest in the rest, so that no two overlap. Each has at least `LEAST` words,
    or a share `MOST` of a shorter answer.
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
    """Return the fewest words of a sequence in an answer of `count` words."""
    return max(1, min(LEAST, math.ceil(MOST * count)))


def normal(text: str) -> list[str]:
    """Return the words of a text, normalised for comparison."""
    return [folded(word) for word in WORD.findall(text)]


def folded(word: str) -> str:
    """Return a word in lower case, with straight apostrophes."""
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
