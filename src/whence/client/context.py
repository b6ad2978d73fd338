"""Attribution to a given context: segments of the answer, each with its sources."""

from dataclasses import dataclass, field
from typing import Any

from whence.client.records import brief, record


@dataclass(frozen=True, slots=True)
class ContextSource:
    """A part of the context, at character `offset`, and how much it made of the segment."""

    id: int
    text: str
    attribution: float
    offset: int
    source_type: str = "raw"
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "ContextSource":
        """A source out of its JSON object."""
        return record(ContextSource, data)


@dataclass(frozen=True, slots=True)
class ContextSegment:
    """A part of the answer, at character `char_offset`, and where it comes from, most important first."""

    segment_index: int
    segment_text: str
    char_offset: int
    sources: tuple[ContextSource, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "ContextSegment":
        """A segment out of its JSON object."""
        return record(ContextSegment, data, sources=_sources(data))


@dataclass(frozen=True, slots=True, repr=False)
class ContextAttribution:
    """An answer in segments; `sources` are those of the `highlight`, where one was asked about."""

    response_text: str
    segments: tuple[ContextSegment, ...]
    highlight: str | None = None
    sources: tuple[ContextSource, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "ContextAttribution":
        """The whole out of its JSON object."""
        segments = tuple(map(ContextSegment.of, data.get("segments") or ()))
        return record(ContextAttribution, data, segments=segments, sources=_sources(data))

    def __repr__(self) -> str:
        return brief("ContextAttribution", f"{len(self.segments)} segments", repr(self.response_text))


def _sources(data: Any) -> tuple[ContextSource, ...]:
    return tuple(map(ContextSource.of, data.get("sources") or ()))
