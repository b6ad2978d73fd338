"""Sets of training pairs that are scored together: the pairs of a file, the copies of a pair, a topic.

Groups depend on the data alone, never on a score.
"""

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import get_args

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from whence.data.identity import canonical
from whence.gradients.subject import Examples, Subject
from whence.levels.topics import topics_of
from whence.methods.texts import pair_text
from whence.types import Example, GroupKind

KINDS: tuple[GroupKind, ...] = get_args(GroupKind)


@dataclass(frozen=True)
class RowGroup:
    """Rows that belong together, in the order of the data."""

    kind: GroupKind
    name: str
    rows: Int[ndarray, " member"]


def groups_of(subject: Subject, kind: GroupKind) -> tuple[RowGroup, ...]:
    """The groups of a kind, in the order of their first pairs. Every pair is in one file and one topic;
    only pairs that have a copy are in a group of duplicates."""
    return MAKERS[kind](subject)


def by_file(subject: Subject) -> tuple[RowGroup, ...]:
    """A group for each file."""
    groups = _together(e.file_id for e in _all(subject.examples))
    return tuple(RowGroup("file", subject.examples[int(rows[0])].file, rows) for rows in groups)


def by_copies(subject: Subject) -> tuple[RowGroup, ...]:
    """A group for each content that occurs more than once, named by its first occurrence."""
    groups = [rows for rows in _together(map(sameness, _all(subject.examples))) if len(rows) > 1]
    firsts = [subject.examples[int(rows[0])] for rows in groups]
    return tuple(RowGroup("duplicates", f"{e.file}:{e.line}", rows) for e, rows in zip(firsts, groups, strict=True))


def by_topic(subject: Subject) -> tuple[RowGroup, ...]:
    """A group for each topic, named by its words."""
    found = topics_of([pair_text(subject, row) for row in range(len(subject.examples))])
    groups = _together(found.labels.tolist())
    return tuple(RowGroup("topic", found.names[found.labels[rows[0]]], rows) for rows in groups)


MAKERS: dict[GroupKind, Callable[[Subject], tuple[RowGroup, ...]]] = {
    "file": by_file,
    "duplicates": by_copies,
    "topic": by_topic,
}


def sameness(example: Example) -> str:
    """A key that two pairs share if they are copies: equal except for case, whitespace and punctuation."""
    if not example.messages:
        return canonical(example.tokens) if example.tokens else example.id
    return "\n".join(f"{m.role}: {plain(m.content)}" for m in example.messages)


def plain(text: str) -> str:
    """The text in lower case, in compatible characters, with one space for any whitespace and punctuation. Symbols and
    dashes stay: < is not >, and -5 is not 5. A text of punctuation alone stays as it is."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(" " if unicodedata.category(c) in {"Po", "Ps", "Pe", "Pi", "Pf"} else c for c in folded)
    return re.sub(r"\s+", " ", bare).strip() or folded


def _all(examples: Examples) -> Iterable[Example]:
    return (examples[row] for row in range(len(examples)))


def _together(keys: Iterable[Hashable]) -> list[Int[ndarray, " member"]]:
    found: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        found.setdefault(key, []).append(row)
    return [np.array(rows) for rows in found.values()]
