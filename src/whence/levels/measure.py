"""The null of an index, measured: the model answers the control questions, and the index scores the answers."""

from pathlib import Path

import numpy as np

from whence.gradients.subject import Subject
from whence.levels.control_scores import ControlScores
from whence.levels.controls import answered, conversations
from whence.levels.lift import lifts_of, own_answers
from whence.levels.null import Null, fit_null
from whence.methods.base import Method
from whence.models.generate import Generated
from whence.types import Progress, Report

CONTROLS = 32
CONTROL_TOKENS = 32


def measure_null(subject: Subject, method: Method, folder: Path, report: Report) -> Null:
    """The null: the model answers the control questions, the answers are scored. Their scores are kept in `folder`."""
    asked = answered([(a.text, a.ended) for a in control_answers(subject, report)])
    report(Progress("null", 0, len(asked), "queries"))
    scores = method.score(subject, folder, asked)
    drift = np.array([lift.total / lift.tokens for lift in lifts_of(subject, asked)])
    report(Progress("null", len(asked), len(asked), "queries"))
    null = fit_null(scores, drift)
    ControlScores.of(scores).save(folder, null)
    return null


def control_answers(subject: Subject, report: Report) -> list[Generated]:
    """The model's answers to the control questions. Where it would rather be silent it is asked again and must speak:
    a null needs answers, and a model tuned on little else than short ones ends many others before they begin."""
    asked = conversations(CONTROLS)
    found = own_answers(subject, asked, CONTROL_TOKENS, report)
    silent = [i for i, answer in enumerate(found) if not answer.text]
    again = own_answers(subject, [asked[i] for i in silent], CONTROL_TOKENS, must_speak=True) if silent else []
    for i, answer in zip(silent, again, strict=True):
        found[i] = answer
    return found
