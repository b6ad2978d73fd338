"""The effect of leaving pairs out on an answer: log p(answer) and the model's own answer, for every seed.

    fall(s) = log p(answer; all pairs, seed s) - log p(answer; without them, seed s)        in nats

For the run's own seed, the model trained on all pairs is the run itself. A fall beyond chance is a fall minus that of
the random control under the same seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from whence.auditing.omissions import Omission
from whence.levels.groups import plain
from whence.models.adapter import put_weights
from whence.models.generate import generate
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.means import ConfidenceInterval, confidence_interval
from whence.retraining.subsets import Subset
from whence.types import ANSWER_TOKENS, Progress, Query, Report, silent

Finding = Literal["confirmed", "contradicted", "open", "one seed", "no control"]


@dataclass(frozen=True)
class Outcome:
    """log p(answer) in nats, and the model's own greedy answer, for each seed."""

    values: tuple[float, ...]
    answers: tuple[str, ...]

    def saying(self, text: str) -> int:
        """Count the answers that contain a text, ignoring case, spaces and punctuation."""
        return sum(plain(text) in plain(answer) for answer in self.answers)

    @staticmethod
    def of(found: Mapping[str, Any]) -> "Outcome":
        """Return an outcome from its JSON object."""
        return Outcome(tuple(found["values"]), tuple(found["answers"]))


@dataclass(frozen=True)
class Effect:
    """The effect of an omission. `fall`: of log p(answer), in nats; `beyond`: the fall minus its control's (None
    without a control); `exact`: the fall predicted by the exact derivative (None: not requested, or refused)."""

    omission: Omission
    outcome: Outcome
    fall: ConfidenceInterval
    beyond: ConfidenceInterval | None
    exact: float | None = None

    @property
    def finding(self) -> Finding:
        """The conclusion from the fall beyond chance: "confirmed" if its whole interval is above 0."""
        if self.beyond is None:
            return "no control"
        if self.beyond.low is None or self.beyond.high is None:
            return "one seed"
        return "confirmed" if self.beyond.low > 0 else "contradicted" if self.beyond.high < 0 else "open"

    @staticmethod
    def of(found: Mapping[str, Any]) -> "Effect":
        """Return an effect from its JSON object."""
        beyond = ConfidenceInterval.of(found["beyond"]) if found["beyond"] else None
        omission, outcome = Omission.of(found["omission"]), Outcome.of(found["outcome"])
        return Effect(omission, outcome, ConfidenceInterval.of(found["fall"]), beyond, found["exact"])


def effects_of(
    omissions: Sequence[Omission], outcomes: Sequence[Outcome], whole: Outcome, exact: Sequence[float] | None = None
) -> list[Effect]:
    """Return the effect of each omission, from its outcome and that of all pairs (`whole`)."""
    falls = [[all_ - without for all_, without in zip(whole.values, o.values, strict=True)] for o in outcomes]
    by_name = {omission.name: fall for omission, fall in zip(omissions, falls, strict=True)}
    found = list[Effect]()
    for place, (omission, outcome, fall) in enumerate(zip(omissions, outcomes, falls, strict=True)):
        control = by_name[omission.control] if omission.control else None
        beyond = confidence_interval([f - c for f, c in zip(fall, control, strict=True)]) if control else None
        found.append(Effect(omission, outcome, confidence_interval(fall), beyond, exact[place] if exact else None))
    return found


def outcomes_of(
    models: RetrainedModels, subsets: Sequence[Sequence[Subset | None]], query: Query, report: Report = silent
) -> list[Outcome]:
    """Return the outcome of each row of finished retrainings, one per seed; None stands for the run itself."""
    distinct = list(dict.fromkeys(subset for row in subsets for subset in row))
    made = [subset for subset in distinct if subset is not None]
    values = dict[Subset | None, float](zip(made, models.under(made, [query], report)[:, 0].tolist(), strict=True))
    values[None] = float(models.own([query])[0])
    said = _answers(models, distinct, query, report)
    return [Outcome(tuple(values[subset] for subset in row), tuple(said[subset] for subset in row)) for row in subsets]


def _answers(
    models: RetrainedModels, subsets: Sequence[Subset | None], query: Query, report: Report
) -> dict[Subset | None, str]:
    """Generate each retrained model's answer by greedy decoding."""
    said = dict[Subset | None, str]()
    report(Progress("own answers", 0, len(subsets), "retrained models"))
    for subset in subsets:
        said[subset] = _answer(models, subset, query)
        report(Progress("own answers", len(said), len(subsets), "retrained models"))
    path = models.subject.trajectory
    path.move_to(path.last)
    return said


def _answer(models: RetrainedModels, subset: Subset | None, query: Query) -> str:
    path = models.subject.trajectory
    if subset is None:
        path.move_to(path.last)
    else:
        put_weights(path.model, models.retrainings.weights(subset))
        path.at = -1  # no longer a recorded point
    model: Any = path.model
    (found,) = generate(model, path.tokenizer, [query.messages[:-1]], max_new_tokens=ANSWER_TOKENS)
    return found.text
