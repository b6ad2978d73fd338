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
    """Fit the null: the model answers the control questions, and the answers' scores are saved in `folder`."""
    asked = answered([(a.text, a.ended) for a in control_answers(subject, report)])
    report(Progress("null", 0, len(asked), "queries"))
    scores = method.score(subject, folder, asked)
    drift = np.array([lift.total / lift.tokens for lift in lifts_of(subject, asked)])
    report(Progress("null", len(asked), len(asked), "queries"))
    null = fit_null(scores, drift)
    ControlScores.of(scores).save(folder, null)
    return null


def control_answers(subject: Subject, report: Report) -> list[Generated]:
    """The model's answers to the control questions. A question with an empty answer is asked again with `must_speak`: a
    null needs answers, and a model tuned on short ones often ends others before they begin."""
    asked = conversations(CONTROLS)
    answers = own_answers(subject, asked, CONTROL_TOKENS, report)
    silent = [i for i, answer in enumerate(answers) if not answer.text]
    again = own_answers(subject, [asked[i] for i in silent], CONTROL_TOKENS, must_speak=True) if silent else []
    for i, answer in zip(silent, again, strict=True):
        answers[i] = answer
    return answers
