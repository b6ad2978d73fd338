"""What stands word for word in the pairs."""

from whence.api.schemas.base import Answer


class HolderAnswer(Answer):
    """A pair that holds some words."""

    id: str
    file_id: str
    file: str
    line: int


class SpanAnswer(Answer):
    """A part of the answer, by characters (Unicode code points), half open, that `count` pairs hold; `pairs` are the
    first 20 of them."""

    start: int
    end: int
    text: str
    count: int
    pairs: list[HolderAnswer]


class VerbatimAnswer(Answer):
    """The parts of an answer that stand in pairs, the longest first; no two overlap."""

    spans: list[SpanAnswer]
