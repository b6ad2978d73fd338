"""The null of an index, measured: the model answers the control questions, and the index scores the answers."""

from pathlib import Path

import numpy as np

from whence.levels.control_scores import ControlScores
from whence.levels.controls import answered, conversations
from whence.levels.lift import lifts_of, own_answers
from whence.levels.null import Null, fit_null
from whence.methods.base import Method, Subject
from whence.types import Progress, Report

CONTROLS = 32
CONTROL_TOKENS = 32


def measure_null(subject: Subject, method: Method, folder: Path, report: Report) -> Null:
    """The null: the model answers the control questions, the answers are scored. Their scores are kept in `folder`."""
    found = own_answers(subject, conversations(CONTROLS), CONTROL_TOKENS, report)
    asked = answered([(a.text, a.ended) for a in found])
    report(Progress("null", 0, len(asked), "queries"))
    scores = method.score(subject, folder, asked)
    drift = np.array([lift.total / lift.tokens for lift in lifts_of(subject, asked)])
    report(Progress("null", len(asked), len(asked), "queries"))
    null = fit_null(scores, drift)
    ControlScores.of(scores).save(folder, null)
    return null
