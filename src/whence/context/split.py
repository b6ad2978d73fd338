"""Split a text into sentences or paragraphs by rules; the pieces and the white space between them make up the text.

Where the end of a sentence is ambiguous, the rules look at what follows: a lower-case letter, a digit, or a word that
often begins a sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from whence.errors import DataError

Granularity = Literal["sentence", "paragraph"]

BREAK = r"\n\r\v\f\x85\u2028\u2029"
"""Characters that end a line."""

LINE_END = rf"(?>\r\n|[{BREAK}])"
BLANK_LINE = rf"{LINE_END}[^\S{BREAK}]*{LINE_END}\s*"
CLOSERS = "\"'”’»)\\]}*_」』）】〉》"
OPENERS = "\"'“‘«‹([{*_¿¡「『（【〈《 \t"

END = re.compile(
    rf"(?P<stop>[.!?…؟۔।]++)(?P<close>[{CLOSERS}]*+)(?=\s)"  # in scripts with spaces
    rf"|(?P<wide>[。！？｡]++(?:(?![{CLOSERS}])|[{CLOSERS}]++(?![と、，])))"  # in scripts without; 」と continues
    rf"|(?P<line>[{BREAK}]\s*)"
)
MARKER = re.compile(r"(?:[-*+•–·▪]|\(?(?:\d{1,3}|[A-Za-z])[.)])\s")
"""The beginning of a list item."""

ITEM_NUMBER = re.compile(rf"(?:^|[{BREAK}])[ \t]*\(?(?:\d{{1,3}}|[A-Za-z])$")
LAST_WORD = re.compile(r"[^\W\d_][\w.]*$")

TITLE = re.compile(r"mr|mrs|ms|dr|prof|mt|gen|col|rev|hon|sen|rep|gov|capt|lt|sgt|messrs|vs|cf|viz|approx|ca", re.I)
"""Abbreviations that never end a sentence."""

NUMBERED = re.compile(
    r"nos?|figs?|eqs?|secs?|vols?|pp?|ch|art|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec", re.IGNORECASE
)
"""Abbreviations when a number follows, ordinary words otherwise."""

EITHER = re.compile(
    r"al|inc|ltd|co|corp|jr|sr|st|bros|dept|est|ave|blvd"
    r"|[^\W\d_]|(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}",  # J, U.S, e.g, Ph.D
    re.IGNORECASE,
)
"""Abbreviations and initials that may end a sentence or not."""

FIRST_WORD = re.compile(
    r"(?:a|about|after|all|also|although|an|and|another|any|as|at|because|before|both|but|by|can|could|did|do|does"
    r"|during|each|even|every|few|first|for|from|had|has|have|he|her|here|his|how|however|i|if|in|indeed|instead|it"
    r"|its|many|most|my|no|not|now|of|on|once|one|only|or|other|our|out|over|she|since|so|some|such|than|that|the"
    r"|their|them|then|there|these|they|this|those|though|through|thus|to|under|until|we|were|what|when|where|which"
    r"|while|who|why|will|with|would|yes|yet|you|your)\b",
    re.IGNORECASE,
)
"""Words that often begin a sentence and are seldom names."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, without white space around it. `offset`: its first character in the text."""

    text: str
    offset: int

    @property
    def stop(self) -> int:
        """The offset of its end."""
        return self.offset + len(self.text)


def split(text: str, granularity: Granularity) -> tuple[Piece, ...]:
    """Return the sentences or paragraphs of a text, in order; white space belongs to none, all other text to one.

    Raises:
        DataError: another granularity.
    """
    if granularity not in get_args(Granularity):
        allowed = " or ".join(get_args(Granularity))
        raise DataError(f"A granularity must be {allowed} (found {granularity!r}). Choose one of these.")
    return sentences(text) if granularity == "sentence" else paragraphs(text)


def paragraphs(text: str) -> tuple[Piece, ...]:
    """Return the parts between blank lines, or between line ends if there are no blank lines."""
    rule = BLANK_LINE if re.search(BLANK_LINE, text.strip()) else LINE_END
    return _pieces(text, (found.end() for found in re.finditer(rule, text)))


def sentences(text: str) -> tuple[Piece, ...]:
    """Return the sentences of a text. One ends at a full stop or similar, at a blank line, and before a list item."""
    return _pieces(text, (found.end() for found in END.finditer(text) if _ends(text, found)))


def _pieces(text: str, ends: Iterator[int]) -> tuple[Piece, ...]:
    """Return the text cut at these places, each part stripped; parts of white space are left out."""
    parts = ((start, text[start:stop]) for start, stop in pairwise([0, *ends, len(text)]))
    return tuple(Piece(part.strip(), start + len(part) - len(part.lstrip())) for start, part in parts if part.strip())


def _ends(text: str, found: re.Match[str]) -> bool:
    """Return True if a sentence ends at this full stop or line end."""
    rest = text[found.end() : found.end() + 80].lstrip()
    if found["wide"]:
        return True
    if found["line"]:
        return not _goes_on(found["line"], rest)
    small = rest.lstrip(OPENERS)[:1].islower()
    if found["stop"][-1] in ".…":
        return not small and not (found["stop"] == "." and _abbreviates(text, found.start(), rest))
    return not (found["close"] and small)  # "Why?" he asked


def _goes_on(line: str, rest: str) -> bool:
    """Return True if a sentence continues on the next line: no blank line, a lower-case letter, no list marker."""
    return len(re.findall(LINE_END, line)) == 1 and rest[:1].islower() and not MARKER.match(rest)


def _abbreviates(text: str, at: int, rest: str) -> bool:
    """Return True if the full stop belongs to an abbreviation, an initial or the number of a list item."""
    near = max(0, at - 40)
    if ITEM_NUMBER.search(text, near, at):
        return True
    last = LAST_WORD.search(text, near, at)
    word = last.group() if last else ""
    if TITLE.fullmatch(word) or (NUMBERED.fullmatch(word) and rest[:1].isdigit()):
        return True
    return bool(EITHER.fullmatch(word)) and bool(rest) and not FIRST_WORD.match(rest.lstrip(OPENERS))
