"""What is left out to see what it did: pairs with their copies, groups, the whole shortlist, and as many random pairs.

A random control is drawn anew for every seed, from all pairs that are neither on the shortlist nor in the group which
it is the control of. Single pairs are held against the control of the whole shortlist: more pairs gone move an answer
more, so that this favours chance.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jaxtyping import Float
from numpy import ndarray

from whence.gradients.subject import Examples
from whence.levels.groups import RowGroup
from whence.retraining.subsets import Subset, without

Kind = Literal["pair", "file", "topic", "shortlist", "random"]


@dataclass(frozen=True)
class Omission:
    """Pairs that are left out together.

    `rows`: which, for each seed; only "random" ones differ. `predicted`: the sum of their scores in the method's unit,
    the mean over seeds. `control`: the name of the random omission that it is held against (None of that one).
    """

    kind: Kind
    name: str
    rows: tuple[tuple[int, ...], ...]
    predicted: float
    control: str | None = None

    @property
    def size(self) -> int:
        """How many pairs are left out."""
        return len(self.rows[0])

    def subsets(self, total: int, seeds: Sequence[int]) -> list[Subset]:
        """The retraining on all of so many rows but these, for each seed."""
        return [without(total, rows, seed) for rows, seed in zip(self.rows, seeds, strict=True)]

    def summed(self, scores: Float[ndarray, " train"]) -> float:
        """The sum of the rows' scores, the mean over seeds."""
        return sum(float(scores[list(rows)].sum()) for rows in self.rows) / len(self.rows)

    @staticmethod
    def of(found: Mapping[str, Any]) -> "Omission":
        """An omission from its JSON."""
        fields: dict[str, Any] = {**found, "rows": tuple(map(tuple, found["rows"]))}
        return Omission(**fields)


@dataclass(frozen=True)
class OmissionBuilder:
    """What omissions of one answer are made with: the scores of all rows, the seeds, and what draws random rows."""

    scores: Float[ndarray, " train"]
    seeds: tuple[int, ...]
    drawing: int

    def named(self, kind: Kind, name: str, rows: Sequence[int], control: str | None) -> Omission:
        """An omission of the same rows under every seed."""
        return self._made(kind, name, [tuple(sorted(rows))] * len(self.seeds), control)

    def random(self, size: int, others: Sequence[int], outside: str = "") -> Omission:
        """As many of the other rows, drawn anew for each seed."""
        draws = [
            tuple(sorted(random.Random(f"{self.drawing}/{seed}/{size}{outside}").sample(others, size)))
            for seed in self.seeds
        ]
        return self._made("random", control_name(size, outside), draws, None)

    def _made(self, kind: Kind, name: str, rows: Sequence[tuple[int, ...]], control: str | None) -> Omission:
        bare = Omission(kind, name, tuple(rows), 0.0, control)
        return Omission(kind, name, bare.rows, bare.summed(self.scores), control)


def control_name(size: int, outside: str = "") -> str:
    """What so many random pairs are called."""
    return f"{counted(size, 'random pair')}" + (f" outside {outside}" if outside else "")


def pair_omissions(
    omitting: OmissionBuilder, examples: Examples, shortlist: Sequence[Sequence[int]]
) -> tuple[list[Omission], list[str]]:
    """Each pair of a shortlist with its copies (its own row first), all of them together where they are several, and
    their random control; and what could not be done, in sentences."""
    together = sorted({row for rows in shortlist for row in rows})
    others = sorted(set(range(len(omitting.scores))) - set(together))
    control = omitting.random(len(together), others) if 0 < len(together) <= len(others) else None
    name = control.name if control else None
    made = [omitting.named("pair", pair_name(examples, rows), rows, name) for rows in shortlist]
    if len(shortlist) > 1:
        made.append(omitting.named("shortlist", f"all {len(shortlist)} of these pairs", together, name))
    if control:
        return [*made, control], []
    return made, [f"There is no random control: {len(others)} pairs are left beside the {len(together)} left out."]


def group_omissions(
    omitting: OmissionBuilder, groups: Iterable[RowGroup], shortlisted: Iterable[int]
) -> tuple[list[Omission], list[str]]:
    """Each group with its random control; and which groups are too large to have one, in sentences."""
    made, notes, total, taken = list[Omission](), list[str](), len(omitting.scores), set(shortlisted)
    for group in groups:
        rows, name = [int(row) for row in group.rows], f"{group.kind} {group.name}"
        others = sorted(set(range(total)) - taken - set(rows))
        if len(others) < len(rows):
            notes.append(
                f"{group.kind.capitalize()} {group.name} was not left out: it holds {len(rows):,} of {total:,} pairs, "
                "and there are not as many others for a control."
            )
            continue
        control = omitting.random(len(rows), others, name)
        made += [omitting.named("file" if group.kind == "file" else "topic", name, rows, control.name), control]
    return made, notes


def pair_name(examples: Examples, rows: Sequence[int]) -> str:
    """A pair by its place, and how many copies there are; its own row first."""
    example, more = examples[rows[0]], len(rows) - 1
    copies = f" and {more} {'copy' if more == 1 else 'copies'}" if more else ""
    return f"pair {example.file}:{example.line}{copies}"


def counted(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
