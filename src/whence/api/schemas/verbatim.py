"""Verbatim matches of an answer in the pairs."""

from whence.api.schemas.base import Answer
from whence.data.verbatim import Span


class VerbatimAnswer(Answer):
    """The parts of an answer that stand in pairs, the longest first; no two overlap."""

    spans: list[Span]
