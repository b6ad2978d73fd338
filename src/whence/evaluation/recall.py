"""Self-recall: is a training pair found by its own words, and do answers to unrelated questions return no pairs?

A pair counts as found if it, or a pair of the same content, is among the first three results. A control question
counts as silent where the model's own answer returns no pair; the null of the index has not seen these questions.
"""

import random
from dataclasses import asdict, dataclass
from pathlib import Path

from whence.data.identity import content_key
from whence.gradients.subject import Examples, Subject
from whence.levels.controls import questions
from whence.levels.lift import own_answers
from whence.levels.measure import CONTROL_TOKENS, CONTROLS
from whence.levels.verdict import Evidence, Verdict, verdicts
from whence.store.artifact import MANIFEST, read_manifest
from whence.types import Example, Message, Progress, Query, Report, silent

RECALL = "recall"
FIRST = 3
"""The number of first results that must contain the pair."""


@dataclass(frozen=True)
class SelfRecall:
    """Self-recall: `found` of `asked` training pairs, and `silent` of `controls` unrelated questions."""

    found: int
    asked: int
    silent: int
    controls: int

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def self_recall(evidence: Evidence, count: int = 8, seed: int = 0, report: Report = silent) -> SelfRecall:
    """Measure self-recall on `count` training pairs, drawn by `seed`, and as many control questions.

    Fewer are used if there are fewer, or if the model leaves a question unanswered.
    """
    subject = evidence.subject
    rows = drawn(len(subject.examples), count, seed)
    controls = unseen_controls(subject, count, report)
    total = len(rows) + len(controls)
    report(Progress("recall", 0, total, "queries"))
    own = verdicts(evidence, [_own_words(subject.examples[row]) for row in rows])
    report(Progress("recall", len(rows), total, "queries"))
    other = verdicts(evidence, controls)
    report(Progress("recall", total, total, "queries"))
    found = sum(finds(subject.examples, row, verdict) for row, verdict in zip(rows, own, strict=True))
    return SelfRecall(found, len(rows), sum(not verdict.supporting for verdict in other), len(controls))


def drawn(rows: int, count: int, seed: int) -> list[int]:
    """Draw `count` of `rows` rows, or all of them, in order; equal seeds draw the same."""
    return sorted(random.Random(seed).sample(range(rows), min(count, rows)))


def unseen_controls(subject: Subject, count: int, report: Report) -> list[Query]:
    """Return at most `count` control questions that no null uses, with the model's own answers."""
    asked = questions()[CONTROLS : CONTROLS + count]
    answers = own_answers(subject, [(Message("user", question),) for question in asked], CONTROL_TOKENS, report)
    pairs = zip(asked, answers, strict=True)
    return [Query.of(question, a.text, ended=a.ended) for question, a in pairs if a.text.strip()]


def finds(examples: Examples, row: int, verdict: Verdict) -> bool:
    """Return True if a row, or one of the same content, is among the first supporting pairs."""
    wanted = _content(examples[row])
    return any(_content(examples[j.row]) == wanted for j in verdict.supporting[:FIRST])


def recall_folder(run: Path, method: str) -> Path:
    """Return the folder of the self-recall of a run's index."""
    return run / "evaluation" / f"recall-{method}"


def recorded(folder: Path, index_key: str) -> SelfRecall | None:
    """Return the recorded self-recall of an index; None if there is none, or only of another index."""
    if not (folder / MANIFEST).is_file():
        return None
    manifest = read_manifest(folder, RECALL)
    return SelfRecall(**manifest.facts) if manifest.inputs["index"] == index_key else None


def _own_words(example: Example) -> Query:
    return Query(example.id, example.messages, example.tokens)


def _content(example: Example) -> bytes:
    return content_key(example.tokens or example.messages)
