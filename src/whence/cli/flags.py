"""The arguments that several commands share, with their help, and what reads their values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from whence.errors import DataError

Files = Annotated[list[str], Parameter(name="FILE...", help="JSONL, CSV or Parquet files, or hub:owner/name[:split].")]
RunFolder = Annotated[Path, Parameter(name="RUN", help="Folder of the run.")]
BaseModel = Annotated[str, Parameter(metavar="NAME", help="A known model, a local folder or a hub ID.")]
Method = Annotated[str | None, Parameter(metavar="NAME", help="Method of the index to use, if the run has several.")]
Json = Annotated[bool, Parameter(name="--json", show_default=False, help="Print a JSON document and nothing else.")]

Selection = tuple[int, int] | None
"""The selected part of an answer, in characters; None for the whole answer."""

Flag = Parameter(show_default=False)
AtLeastOne = Parameter(validator=Number(gte=1))
Positive = Parameter(validator=Number(gt=0))
Fraction = Parameter(validator=Number(gt=0, lt=1))


def listed(words: str | None) -> tuple[str, ...] | None:
    """The words between commas; None for None."""
    return None if words is None else tuple(word.strip() for word in words.split(",") if word.strip())


def selected(answer: str | None, text: str | None, span: str | None) -> Selection:
    """The selected part of the answer, in characters; None for the whole answer.

    Raises:
        DataError: the text does not occur exactly once in the answer, the range is malformed, or both are given.
    """
    if text is not None and span is not None:
        raise DataError("Select a part of the answer with either --select or --select-range (found both). Give one.")
    if span is not None:
        start, parted, end = span.partition(":")
        if not (parted and start.isdecimal() and end.isdecimal()):
            raise DataError(f"--select-range takes two numbers, start:end (found {span!r}). Write it like 3:17.")
        return int(start), int(end)
    if text is None:
        return None
    places = places_of(text, answer or "")
    if len(places) != 1:
        often = f"{len(places)} times" if places else "nowhere"
        raise DataError(
            f"--select must occur exactly once in the answer (found {text!r} {often} in {answer!r}). "
            "Give more of the text, or its position with --select-range."
        )
    return places[0], places[0] + len(text)


def places_of(text: str, answer: str) -> Sequence[int]:
    """All positions at which a text begins in the answer."""
    return [i for i in range(len(answer)) if text and answer.startswith(text, i)]
