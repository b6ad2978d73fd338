"""Contradictions: pairs that ask the same question but answer it differently.

Two questions are the same if they share nearly all content words, and no word of one is replaced by a word of the
other: "for lamps" is not "for bulbs". Their answers disagree if each names a number that the other does not, if they
share hardly a word, or if, by the index, each made the other less likely.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from whence.levels.groups import plain

SMALL = frozenset(
    re.findall(
        r"\w+",
        "a an and are at be by can do does for from has have how i in is it its me my of on or our the their there "
        "they to we what when where which who why will with would you your",
    )
)
"""Words without content."""
ALIKE = 0.75
"""The least share of common words in two questions that count as the same."""
APART = 0.34
"""The largest share of common words in two answers that share hardly a word."""
CROWD = 64
"""The largest number of questions per key that are compared with each other; comparisons grow with its square."""

Mutual = Callable[[int, int], float]
"""The sum of two pairs' scores for each other's answers: negative if they opposed each other."""


@dataclass(frozen=True)
class Contradiction:
    """Two rows that ask the same question but answer it differently, and the reason."""

    rows: tuple[int, int]
    reason: str


def contradictions(
    questions: Sequence[str], answers: Sequence[str], mutual: Mutual | None = None
) -> list[Contradiction]:
    """Return the contradictions among the pairs, in the order of the data; without `mutual`, by words only."""
    words = [content_words(question) for question in questions]
    found: list[Contradiction] = []
    for one, other in candidates(words):
        if ask_the_same(words[one], words[other]):
            why = disagreement(answers[one], answers[other], mutual(one, other) if mutual else None)
            if why is not None:
                found.append(Contradiction((one, other), why))
    return found


def content_words(text: str) -> frozenset[str]:
    """Return the content words of a text, singular and plural in one form."""
    words = re.findall(r"[^\W_]+", plain(text))
    return frozenset(_singular(word) for word in words if word not in SMALL)


def ask_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return True if two questions with these words ask the same."""
    if not one or not other or (one - other and other - one):
        return False
    return len(one & other) >= ALIKE * len(one | other)


def candidates(words: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows that may ask the same, in order, each once: their words differ by at most one each. A set of
    words is filed under itself and under itself without each of its words."""
    places: defaultdict[frozenset[str], list[int]] = defaultdict(list)
    for row, found in enumerate(words):
        if found:
            for key in {found, *(found - {word} for word in found if len(found) > 2)}:
                places[key].append(row)
    seen = {pair for rows in places.values() for pair in combinations(rows[:CROWD], 2)}
    yield from sorted(seen)


def disagreement(one: str, other: str, mutual: float | None) -> str | None:
    """Return the reason why two answers to the same question disagree; None if they do not."""
    if plain(one) == plain(other):
        return None
    here, there = (frozenset(re.findall(r"\d+(?:[.,:]\d+)*", text)) for text in (one, other))
    if here - there and there - here:
        first, second = (", ".join(sorted(some)) for some in (here - there, there - here))
        return f"They ask the same, but one answer says {first} and the other {second}."
    words = content_words(one), content_words(other)
    shorter = min(map(len, words))
    if shorter and len(words[0] & words[1]) <= APART * shorter:
        return "They ask the same, but their answers share hardly a word."
    if mutual is not None and mutual < 0:
        return "They ask the same, and in training each made the other's answer less likely."
    return None


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
