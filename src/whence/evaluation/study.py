"""An evaluation in progress: its questions, the scores of its methods, and the answers of the retrained models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float
from numpy import ndarray

from whence.errors import DataError
from whence.evaluation import questions as asking
from whence.evaluation.label_noise import swapped_run
from whence.evaluation.lds import Lds, kept_rows, lds, predictions
from whence.evaluation.mislabel import Mislabelled, found_wrong
from whence.evaluation.plan import EvaluationPlan
from whence.evaluation.questions import Asked, Question
from whence.evaluation.removal import Removal, first_rows, removal_subsets, removals
from whence.evaluation.scorers import Scorer, scorers
from whence.gradients.subject import Subject
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.means import Mean, mean_of
from whence.retraining.retrain import RETRAINED_PROXY, recipe_of
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset
from whence.training.run import Run
from whence.types import Progress, Query, Report, silent

FIRST = 3
"""Pairs among which a known source counts as found."""
Scores = Mapping[str, Float[ndarray, "query train"]]


@dataclass
class Study:
    """An evaluation whose parts are computed on first use and kept."""

    run: Run
    plan: EvaluationPlan
    workers: int = 1
    report: Report = silent

    @cached_property
    def asked(self) -> list[Asked]:
        """The questions as given, or drawn."""
        if self.plan.queries is None:
            return asking.drawn(self.run.examples, self.plan.each, self.plan.seed)
        return asking.read(self.plan.queries, self.run.examples)

    @cached_property
    def subject(self) -> Subject:
        """The model that answers, with its trajectory."""
        return Subject(self.run.examples, self.run.trajectory)

    @cached_property
    def questions(self) -> list[Question]:
        """The questions with their answers."""
        found = asking.answered(self.subject, self.asked, report=self.report)
        if not found:
            raise DataError("The model left every question unanswered. Give answers in the file of questions.")
        return found

    @property
    def queries(self) -> list[Query]:
        """The questions as methods see them."""
        return [question.query for question in self.questions]

    @cached_property
    def _scorers(self) -> tuple[list[Scorer], list[str]]:
        return scorers(self.run, self.subject, self.plan.methods, self.report)

    @property
    def scorers(self) -> list[Scorer]:
        """The methods that are compared."""
        return self._scorers[0]

    @property
    def notes(self) -> list[str]:
        """Notes on what was not possible."""
        return [*([RETRAINED_PROXY] if self.run.stood_in else []), *self._scorers[1]]

    @cached_property
    def scores(self) -> Scores:
        """The scores of every method."""
        total, found = len(self.scorers), dict[str, Float[ndarray, "query train"]]()
        self.report(Progress("scores", 0, total, "methods"))
        for scorer in self.scorers:
            found[scorer.name] = scorer.scores(self.subject, self.queries)
            self.report(Progress("scores", len(found), total, "methods"))
        return found

    @cached_property
    def models(self) -> RetrainedModels:
        """The models that measure answers."""
        return RetrainedModels.of(self.run)

    @property
    def _kinds(self) -> list[str]:
        return [question.kind for question in self.questions]

    def values(self, parts: Sequence[Subset]) -> Float[ndarray, "part query"]:
        """Return log p of every answer under each part's retraining; missing retrainings are made first."""
        Retrainings(self.run).fill(parts, self.report, self.workers)
        return self.models.under(parts, self.queries, self.report)

    def lds(self, parts: Sequence[Subset]) -> dict[str, Lds]:
        """Return the LDS of every method on these parts."""
        kept, found = kept_rows([part.kept for part in parts], len(self.run.examples)), self.values(parts)
        return {name: lds(predictions(kept, rows), found, self._kinds) for name, rows in self.scores.items()}

    def again(self, parts: Sequence[Subset], again: Sequence[Subset]) -> Lds | None:
        """Return the LDS of the same parts retrained with another seed; None without any."""
        return lds(self.values(again), self.values(parts), self._kinds) if again else None

    def removal(self) -> dict[str, Removal]:
        """Return the removal curve of every method; empty if the plan has no removals."""
        if not self.plan.removal:
            return {}
        chosen = spread(len(self.questions), self.plan.removal_questions)
        queries = [self.queries[place] for place in chosen]
        scores = {name: rows[chosen] for name, rows in self.scores.items()}
        subsets = removal_subsets(scores, self.plan.removal, recipe_of(self.run).seed)
        Retrainings(self.run).fill(list(subsets.values()), self.report, self.workers)
        return removals(self.models, subsets, queries, self.plan.removal, self.report)

    def mislabelled(self) -> tuple[Mislabelled | None, dict[str, Mean]]:
        """Return the mislabelled pairs and the AUC of every method; neither if the plan names none."""
        if self.plan.swap:
            made, known = swapped_run(self.run, self.plan.seed, self.report)
            subject = Subject(made.examples, made.trajectory)
            found, _ = scorers(made, subject, [s.name for s in self.scorers], self.report)
            return known, found_wrong(found, subject, known, self.report)
        if not self.plan.mislabelled:
            return None, {}
        rows = asking.rows_on(self.plan.mislabelled, self.run.examples)
        known = Mislabelled(rows, len(self.run.examples), made=False)
        return known, found_wrong(self.scorers, self.subject, known, self.report)


def spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` of `count` places, evenly spread, or all: questions of one kind often stand together."""
    taken = min(count, wanted)
    return [i * count // taken for i in range(taken)]


def found_first(
    scores: Float[ndarray, "query train"], sources: Sequence[Sequence[int]], first: int = FIRST
) -> Mean | None:
    """Return the share of queries with a known source among the first rows; others do not count."""
    known = [(row, set(rows)) for row, rows in zip(scores, sources, strict=True) if rows]
    if not known:
        return None
    return mean_of([float(bool(rows & set(first_rows(row, first)))) for row, rows in known])
