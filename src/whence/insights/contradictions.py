"""Pairs that ask the same and answer otherwise.

Two questions ask the same where they share nearly all of their words but for the small ones, and neither has a word of
its own in place of one of the other's: "for lamps" is not "for bulbs". Their answers disagree where each names a number
that the other does not, where they share hardly a word, or where, by the index, each made the other less likely.
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
"""Words that say nothing of what a question is about."""
ALIKE = 0.75
"""The least share of words that two questions have in common where they ask the same."""
APART = 0.34
"""The largest share of the shorter answer's words in the other where two answers share hardly a word."""
CROWD = 64
"""Questions of one key that are compared with each other at most; there are as many comparisons as pairs of them."""

Mutual = Callable[[int, int], float]
"""What two pairs made of each other's answers, both ways together: less than nothing where each opposed the other."""


@dataclass(frozen=True)
class Contradiction:
    """Two rows that ask the same and answer otherwise, and why that is thought."""

    rows: tuple[int, int]
    reason: str


def contradictions(
    questions: Sequence[str], answers: Sequence[str], mutual: Mutual | None = None
) -> list[Contradiction]:
    """The contradictions among the pairs, in the order of the data. Without `mutual`, by the words alone."""
    words = [content_words(question) for question in questions]
    found: list[Contradiction] = []
    for one, other in candidates(words):
        if ask_the_same(words[one], words[other]):
            why = disagreement(answers[one], answers[other], mutual(one, other) if mutual else None)
            if why is not None:
                found.append(Contradiction((one, other), why))
    return found


def content_words(text: str) -> frozenset[str]:
    """The words of a text but for the small ones, in one form for singular and plural."""
    words = re.findall(r"[^\W_]+", plain(text))
    return frozenset(_singular(word) for word in words if word not in SMALL)


def ask_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two questions of these words ask the same."""
    if not one or not other or (one - other and other - one):
        return False
    return len(one & other) >= ALIKE * len(one | other)


def candidates(words: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Rows that may ask the same, in order, each two once: their words are the same but for one. Each set of words is
    filed under itself and under what is left of it without one."""
    places: defaultdict[frozenset[str], list[int]] = defaultdict(list)
    for row, found in enumerate(words):
        if found:
            for key in {found, *(found - {word} for word in found if len(found) > 2)}:
                places[key].append(row)
    seen = {pair for rows in places.values() for pair in combinations(rows[:CROWD], 2)}
    yield from sorted(seen)


def disagreement(one: str, other: str, mutual: float | None) -> str | None:
    """Why two answers to the same question are thought to disagree; None where they are not."""
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
