"""The result of an evaluation, as a value and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whence.evaluation.faithfulness import read_report
from whence.evaluation.lds import Lds, Score
from whence.evaluation.removal import Removal
from whence.retraining.means import Mean


@dataclass(frozen=True)
class MethodResult:
    """The results of one method; None for measures not taken.

    `sources`: share of questions with a known source among the first three pairs, without wrong answers; `tail`: tail
    patch in nats; `mislabelled`: AUC of finding wrong pairs by their self-influence.
    """

    name: str
    settings: dict[str, Any]
    lds: Lds
    sources: Mean | None = None
    removal: Removal | None = None
    tail: Mean | None = None
    mislabelled: Mean | None = None

    @staticmethod
    def of(found: Mapping[str, Any]) -> "MethodResult":
        """Return a result from the JSON object of `to_dict`."""
        removal = found["removal"]
        return MethodResult(
            found["name"],
            found["settings"],
            lds_of(found["lds"]),
            _mean(found["sources"]),
            Removal(tuple(removal["removed"]), tuple(Mean(**m) for m in removal["changes"])) if removal else None,
            _mean(found["tail"]),
            _mean(found["mislabelled"]),
        )


@dataclass(frozen=True)
class Evaluation:
    """The faithfulness of methods on one run.

    `methods`: by LDS, best first. `ceiling`: the LDS of a second retraining with another seed instead of a prediction,
    whose root is the ceiling (`lds.ceiling`). `questions`: each with its answer and kind. `seconds`: the duration of
    the retrainings.
    """

    run: str
    pairs: int
    retrainings: int
    fraction: float
    seed: int
    tail_pairs: int
    removal_questions: int
    seconds: float
    questions: tuple[dict[str, Any], ...]
    methods: tuple[MethodResult, ...]
    ceiling: Lds | None = None
    mislabelled: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, int]:
        """The number of questions of each kind."""
        kinds = [str(question["kind"]) for question in self.questions]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of this evaluation."""
        return asdict(self)

    @staticmethod
    def of(found: Mapping[str, Any]) -> "Evaluation":
        """Return an evaluation from the JSON object of `to_dict`."""
        fields: dict[str, Any] = {
            **found,
            "questions": tuple(found["questions"]),
            "methods": tuple(map(MethodResult.of, found["methods"])),
            "ceiling": lds_of(found["ceiling"]) if found["ceiling"] else None,
            "notes": tuple(found["notes"]),
        }
        return Evaluation(**fields)


def read_evaluation(folder: Path) -> Evaluation:
    """Return the evaluation in a report's folder."""
    return Evaluation.of(read_report(folder))


def lds_of(found: Mapping[str, Any]) -> Lds:
    """Return an LDS from its JSON object."""
    by_kind = {kind: Score(**score) for kind, score in found["by_kind"].items()}
    return Lds(Score(**found["overall"]), by_kind, tuple(found["each"]))


def _mean(found: Mapping[str, Any] | None) -> Mean | None:
    return Mean(**found) if found else None
