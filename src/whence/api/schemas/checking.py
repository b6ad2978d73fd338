"""The check of a file before its upload."""

from typing import Literal

from pydantic import Field

from whence.api.schemas.base import Answer
from whence.api.schemas.pairs import PairAnswer


class ProblemAnswer(Answer):
    """A rule that a line breaks (line 0: the file as a whole), what was found there, and how to mend it."""

    line: int
    rule: str
    value: str
    fix: str


class CopiesAnswer(Answer):
    """The lines of a pair that stands in the file more than once, and its question."""

    lines: list[int]
    question: str


class CheckAnswer(Answer):
    """The contents of a file. `lines` counts its records; `problems` and `duplicates` are the first 1,000 of each.

    `question_chars` and `answer_chars` are means over the pairs; `sample` has the first 50 pairs.
    """

    object: Literal["check"] = "check"
    filename: str
    bytes: int
    lines: int
    pairs: int
    problems: list[ProblemAnswer] = Field(max_length=1000)
    problems_total: int
    duplicates: list[CopiesAnswer] = Field(max_length=1000)
    question_chars: float
    answer_chars: float
    sample: list[PairAnswer] = Field(max_length=50)
