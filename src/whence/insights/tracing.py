"""Error tracing: which training pairs taught the model its errors, and does every part of the score help to find them?

Given bad answers E and their corrections G, the contrast at checkpoint c is

    I_c(z) = sum over E of <g_c(bad), g_c(z)> - sum over G of <g_c(corrected), g_c(z)>

(Wu et al. 2024, arXiv:2410.01285): positive where learning z made the bad answers likelier than the corrected ones.
`whence.methods.dda` averages and debiases it.

The right amount of debiasing is not known beforehand, and may be zero. So beta is chosen on every second canary, a
fault planted in the training data on purpose. The other canaries measure the worth of each part of the score.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from whence.core.statistics import roc_auc
from whence.errors import DataError, MethodError
from whence.gradients.subject import Subject
from whence.methods.base import Method
from whence.methods.dda import Dda, debias, learned, normalise, require_beta, starts_at_base
from whence.types import Query

BETAS = (0.0, 0.1, 0.25, 0.5)
"""The choices of beta; 0 is no debiasing."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A bad answer that the model gives to a question, and the right one."""

    question: str
    bad: str
    corrected: str

    def __post_init__(self) -> None:
        if self.bad == self.corrected:
            raise DataError(
                f"A correction must differ from the bad answer (found {self.bad[:60]!r} twice). Give the right answer."
            )


@dataclass(frozen=True)
class Canary:
    """A known fault in the training data: the rows that hold it, and errors that it teaches."""

    rows: frozenset[int]
    corrections: tuple[Correction, ...]


class Traceable(Protocol):
    """A finished index of `dda`: the subject, the method and the folder with its rows."""

    @property
    def subject(self) -> Subject:
        """The model and pairs to explain."""
        ...

    @property
    def method(self) -> Method:
        """The method of the index."""
        ...

    @property
    def folder(self) -> Path:
        """The folder of its rows."""
        ...


@dataclass(frozen=True)
class Contrast:
    """Gradient dots of every training row with bad answers and with their corrections, each summed over the errors.

    `base`: True if the first checkpoint is the base model.
    """

    bad: Float[ndarray, "checkpoint train"]
    corrected: Float[ndarray, "checkpoint train"]
    base: bool

    @property
    def normalised(self) -> Float[ndarray, "checkpoint train"]:
        """The contrast at each checkpoint, over its mean absolute value there."""
        return normalise(self.bad - self.corrected)

    def score(self, beta: float) -> Float[ndarray, "train"]:
        """The debiased and denoised score of every row; positive rows taught the errors."""
        return debias(self.normalised, self.base, beta)


@dataclass(frozen=True, slots=True)
class TracedPair:
    """A training row by how much it taught the errors. `by_checkpoint` are its normalised contrast scores at the
    points after the base model, in order; `base` the one at the base model (None: it was not recorded)."""

    row: int
    id: str
    score: float
    by_checkpoint: tuple[float, ...]
    base: float | None


@dataclass(frozen=True, slots=True)
class Ablation:
    """One way to score, and how well it tells canaries' rows from all others: the mean ROC-AUC over the canaries that
    beta was chosen on (None: it was given) and over the others."""

    name: str
    chosen_on: float | None
    reported: float


@dataclass(frozen=True)
class Tracing:
    """Every training row, those that taught the errors most first; the steps of the scored checkpoints; the beta that
    was used; and, where canaries were given, what each part of the score is worth."""

    suspects: tuple[TracedPair, ...]
    steps: tuple[int, ...]
    beta: float
    ablations: tuple[Ablation, ...] = ()

    def table(self) -> str:
        """The ablations as lines of text; '' without canaries."""
        if not self.ablations:
            return ""
        width = max(len(a.name) for a in self.ablations)
        head = f"{'ROC-AUC of known rows':{width}}  chosen on  reported"
        lines = (f"{a.name:{width}}  {_number(a.chosen_on):>9}  {_number(a.reported):>8}" for a in self.ablations)
        return "\n".join((head, *lines))


def trace_errors(
    index: Traceable,
    errors: Sequence[Correction],
    beta: float | Literal["auto"] = "auto",
    canaries: Sequence[Canary] = (),
) -> Tracing:
    """Rank every training row by how much it taught the errors, from an index of `dda`.

    `beta`: how much of the base model's scores is taken off. "auto" chooses it from `BETAS` by the AUC of every second
    canary; where there are none it is the index's own.

    Raises:
        DataError: there are no errors, an answer is empty, or a canary names no row or none but canaries.
        MethodError: the index is not one of `dda`, beta is negative, or "auto" has but one canary to go by.
    """
    found, planted = contrast(index, errors), _planted(index, canaries)
    chosen_on, reported = (planted[::2], planted[1::2]) if beta == "auto" else ([], planted)
    chosen = _chosen(index, chosen_on, reported) if beta == "auto" else beta
    require_beta(chosen)
    steps = tuple(point.step for point in learned(index.subject))
    return Tracing(_suspects(index.subject, found, chosen), steps, chosen, _ablations(chosen_on, reported))


def contrast(index: Traceable, errors: Sequence[Correction]) -> Contrast:
    """Gradient dots of every training row with the errors' bad answers and with their corrections.

    Raises:
        DataError: there are none.
        MethodError: the index is not one of `dda`, or an answer is empty.
    """
    method = index.method
    if not isinstance(method, Dda):
        raise MethodError(f"Errors are traced with an index of dda (found {method.name}). Build one with method='dda'.")
    if not errors:
        raise DataError("Tracing needs at least one error with its correction (found none). Give a bad answer.")
    bad = [Query.of(e.question, e.bad, id=f"error {i}, bad") for i, e in enumerate(errors)]
    right = [Query.of(e.question, e.corrected, id=f"error {i}, corrected") for i, e in enumerate(errors)]
    dots = method.by_checkpoint(index.subject, index.folder, [*bad, *right]).astype(np.float64)
    halves = (dots[:, : len(errors)].sum(axis=1), dots[:, len(errors) :].sum(axis=1))
    return Contrast(*halves, starts_at_base(index.subject))


def ways(found: Contrast, betas: Iterable[float] = BETAS) -> Mapping[str, Float[ndarray, "train"]]:
    """The scores of every row in each way that the parts of the score can be put together, by name.

    Without the base model's point there is nothing but the last checkpoint and the mean.
    """
    points, bad = found.normalised, normalise(found.bad)
    scores = {"last, bad answers only": bad[-1], "last, contrast": points[-1], "denoise": found.score(0.0)}
    if not found.base:
        return scores
    taken = [beta for beta in betas if beta]
    scores |= {"base only, contrast": points[0]}
    scores |= {f"debias {beta:g}": debias(points[[0, -1]], True, beta) for beta in taken}
    return scores | {f"denoise and debias {beta:g}": found.score(beta) for beta in taken}


Planted = tuple[Contrast, Bool[ndarray, "train"]]
"""A canary's contrast, and which rows hold it."""


def mean_auc(planted: Sequence[Planted], score: Callable[[Contrast], Float[ndarray, "train"]]) -> float:
    """The mean ROC-AUC over canaries of scores made of their contrasts: a canary's rows against all others."""
    return float(np.mean([roc_auc(score(found), wanted) for found, wanted in planted]))


def _planted(index: Traceable, canaries: Sequence[Canary]) -> list[Planted]:
    rows = len(index.subject.examples)
    for canary in canaries:
        _require_rows(canary, rows)
    return [(contrast(index, c.corrections), np.isin(np.arange(rows), sorted(c.rows))) for c in canaries]


def _chosen(index: Traceable, chosen_on: Sequence[Planted], others: Sequence[Planted]) -> float:
    """The smallest of the betas that tell the first canaries' rows best; without canaries the index's own."""
    if not chosen_on:
        return cast(Dda, index.method).beta
    if not others:
        raise MethodError("beta is chosen on every second canary (found 1 in all). Give 2 or more, or a beta.")
    return max(BETAS, key=lambda beta: mean_auc(chosen_on, lambda found: found.score(beta)))


def _ablations(chosen_on: Sequence[Planted], reported: Sequence[Planted]) -> tuple[Ablation, ...]:
    def auc(planted: Sequence[Planted], name: str) -> float:
        return mean_auc(planted, lambda found: ways(found)[name])

    names = ways(reported[0][0]) if reported else ()
    return tuple(Ablation(name, auc(chosen_on, name) if chosen_on else None, auc(reported, name)) for name in names)


def _suspects(subject: Subject, found: Contrast, beta: float) -> tuple[TracedPair, ...]:
    scores, points = found.score(beta), found.normalised
    order = np.argsort(-scores, kind="stable").tolist()
    after = points[int(found.base) :]

    def suspect(row: int) -> TracedPair:
        base = float(points[0, row]) if found.base else None
        return TracedPair(row, subject.examples[row].id, float(scores[row]), tuple(after[:, row].tolist()), base)

    return tuple(suspect(row) for row in order)


def _require_rows(canary: Canary, rows: int) -> None:
    if not canary.rows or len(canary.rows) == rows or not canary.rows <= set(range(rows)):
        raise DataError(
            f"A canary must name some of the {rows} training rows, counted from 0, and not all of them "
            f"(found {sorted(canary.rows)[:5]}). Name the rows that hold the fault."
        )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
