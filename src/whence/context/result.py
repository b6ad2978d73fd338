"""The result of an attribution to a context, and its JSON. No torch, no arrays."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """A part of the context. `offset`: characters into the context.

    `attribution` is the change of the target's log-odds by this part.
    """

    id: int
    text: str
    offset: int
    attribution: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of this source."""
        return {
            "source_type": "raw",
            "id": self.id,
            "text": self.text,
            "attribution": self.attribution,
            "offset": self.offset,
        }


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence of the response and its sources, strongest first. `offset`: characters into the response."""

    index: int
    text: str
    offset: int
    sources: tuple[Source, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of this segment."""
        return {
            "segment_index": self.index,
            "segment_text": self.text,
            "char_offset": self.offset,
            "sources": [source.to_dict() for source in self.sources],
        }


@dataclass(frozen=True, slots=True)
class ContextAttribution:
    """A response and its sources in the context. `sources` are those of the highlight, or of the whole response if
    nothing is highlighted."""

    response: str
    segments: tuple[Segment, ...]
    highlight: str | None
    sources: tuple[Source, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object that every interface returns."""
        return {
            "response_text": self.response,
            "segments": [segment.to_dict() for segment in self.segments],
            "highlight": self.highlight,
            "sources": [source.to_dict() for source in self.sources],
        }
