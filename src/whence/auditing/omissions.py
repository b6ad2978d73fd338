"""The omissions of an audit: pairs with their copies, groups, the whole shortlist, and as many random pairs.

A random control is drawn for every seed from the pairs that are neither on the shortlist nor in the group that it
controls for. Single pairs are compared with the control of the whole shortlist: leaving out more pairs moves an answer
more, so this comparison is conservative.
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

    `rows`: for each seed; only those of "random" differ between seeds. `predicted`: the sum of their scores in the
    method's unit, the mean over seeds. `control`: the name of the random omission to compare with (None for a control).
    """

    kind: Kind
    name: str
    rows: tuple[tuple[int, ...], ...]
    predicted: float
    control: str | None = None

    @property
    def size(self) -> int:
        """The number of pairs left out."""
        return len(self.rows[0])

    def subsets(self, total: int, seeds: Sequence[int]) -> list[Subset]:
        """Return the subset of `total` rows without these, for each seed."""
        return [without(total, rows, seed) for rows, seed in zip(self.rows, seeds, strict=True)]

    def summed(self, scores: Float[ndarray, " train"]) -> float:
        """Return the sum of the rows' scores, the mean over seeds."""
        return sum(float(scores[list(rows)].sum()) for rows in self.rows) / len(self.rows)

    @staticmethod
    def of(found: Mapping[str, Any]) -> "Omission":
        """Return an omission from its JSON object."""
        fields: dict[str, Any] = {**found, "rows": tuple(map(tuple, found["rows"]))}
        return Omission(**fields)


@dataclass(frozen=True)
class OmissionBuilder:
    """Builds the omissions of one answer from the scores of all rows and the seeds; `drawing` seeds random rows."""

    scores: Float[ndarray, " train"]
    seeds: tuple[int, ...]
    drawing: int

    def named(self, kind: Kind, name: str, rows: Sequence[int], control: str | None) -> Omission:
        """Return an omission of the same rows under every seed."""
        return self._made(kind, name, [tuple(sorted(rows))] * len(self.seeds), control)

    def random(self, size: int, others: Sequence[int], outside: str = "") -> Omission:
        """Return a control: `size` of the other rows, drawn for each seed."""
        draws = [
            tuple(sorted(random.Random(f"{self.drawing}/{seed}/{size}{outside}").sample(others, size)))
            for seed in self.seeds
        ]
        return self._made("random", control_name(size, outside), draws, None)

    def _made(self, kind: Kind, name: str, rows: Sequence[tuple[int, ...]], control: str | None) -> Omission:
        bare = Omission(kind, name, tuple(rows), 0.0, control)
        return Omission(kind, name, bare.rows, bare.summed(self.scores), control)


def control_name(size: int, outside: str = "") -> str:
    """Return the name of a control of this size."""
    return f"{counted(size, 'random pair')}" + (f" outside {outside}" if outside else "")


def pair_omissions(
    omitting: OmissionBuilder, examples: Examples, shortlist: Sequence[Sequence[int]]
) -> tuple[list[Omission], list[str]]:
    """Return the omissions of each shortlisted pair with its copies (its own row first), of all of them if there are
    several, and their random control; and notes on what was not possible."""
    together = sorted({row for rows in shortlist for row in rows})
    others = sorted(set(range(len(omitting.scores))) - set(together))
    control = omitting.random(len(together), others) if 0 < len(together) <= len(others) else None
    name = control.name if control else None
    made = [omitting.named("pair", pair_name(examples, rows), rows, name) for rows in shortlist]
    if len(shortlist) > 1:
        made.append(omitting.named("shortlist", f"all {len(shortlist)} of these pairs", together, name))
    if control:
        return [*made, control], []
    return made, [f"There is no random control: only {len(others)} pairs remain besides the {len(together)} left out."]


def group_omissions(
    omitting: OmissionBuilder, groups: Iterable[RowGroup], shortlisted: Iterable[int]
) -> tuple[list[Omission], list[str]]:
    """Return the omission of each group and its random control; and notes on groups too large to have one."""
    made, notes, total, taken = list[Omission](), list[str](), len(omitting.scores), set(shortlisted)
    for group in groups:
        rows, name = [int(row) for row in group.rows], f"{group.kind} {group.name}"
        others = sorted(set(range(total)) - taken - set(rows))
        if len(others) < len(rows):
            notes.append(
                f"{group.kind.capitalize()} {group.name} was not left out: it holds {len(rows):,} of {total:,} pairs, "
                "and too few others remain for a control."
            )
            continue
        control = omitting.random(len(rows), others, name)
        made += [omitting.named("file" if group.kind == "file" else "topic", name, rows, control.name), control]
    return made, notes


def pair_name(examples: Examples, rows: Sequence[int]) -> str:
    """Return the name of a pair: its place and its number of copies. `rows`: its own first."""
    example, more = examples[rows[0]], len(rows) - 1
    copies = f" and {more} {'copy' if more == 1 else 'copies'}" if more else ""
    return f"pair {example.file}:{example.line}{copies}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
