"""Attributions that the server has kept."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from whence.client.calls import Call, destination, given, nothing, segment
from whence.client.decode import attribution
from whence.client.pairs import Pair
from whence.client.records import Page, brief, moments, record
from whence.client.resource import D_co, Method, Resource
from whence.types import Attribution, Influence, Level

ROOT = "/v1/whence/attributions"
Format = Literal["jsonl", "csv", "parquet"]
OWN = set(Attribution.__dataclass_fields__)
"""The keys that belong to the attribution itself."""


@dataclass(frozen=True, slots=True, repr=False)
class KeptAttribution:
    """An attribution with what the server keeps beside it: model, job, and the seconds of each phase."""

    id: str
    attribution: Attribution
    created_at: datetime | None = None
    model: str | None = None
    job_id: str | None = None
    sentence: str | None = None
    phases: dict[str, float] = field(default_factory=dict[str, float])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "KeptAttribution":
        """An attribution out of its JSON object."""
        rest = {name: value for name, value in data.items() if name not in OWN}
        return record(KeptAttribution, rest, attribution=attribution(data), **moments(data, "created_at"))

    @property
    def question(self) -> str:
        """The question."""
        return self.attribution.question

    @property
    def answer(self) -> str:
        """The answer that is explained."""
        return self.attribution.answer

    @property
    def results(self) -> tuple[Influence, ...]:
        """The pairs that made the answer, most influential first."""
        return self.attribution.results

    @property
    def opposing(self) -> tuple[Influence, ...]:
        """The pairs that made it less likely."""
        return self.attribution.opposing

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The attribution as a notebook shows it."""
        return self.attribution._repr_mimebundle_(include, exclude)  # pyright: ignore[reportPrivateUsage]

    def __str__(self) -> str:
        return str(self.attribution)

    def __repr__(self) -> str:
        return brief(f"KeptAttribution {self.id}", repr(self.question), f"{len(self.results)} pairs")


@dataclass(frozen=True, slots=True, repr=False)
class AttributionSummary:
    """An attribution in a list; `attributions.retrieve` has all of it."""

    id: str
    created_at: datetime | None = None
    model: str | None = None
    job_id: str | None = None
    question: str = ""
    answer: str = ""
    sentence: str | None = None
    method: str | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "AttributionSummary":
        """A summary out of its JSON object."""
        return record(AttributionSummary, data, **moments(data, "created_at"))

    def __repr__(self) -> str:
        return brief(f"AttributionSummary {self.id}", repr(self.question), self.sentence)


@dataclass(frozen=True, slots=True, repr=False)
class VerbatimSpan:
    """A part of an answer, by characters, half open, that `count` pairs hold word for word; `pairs`: some of them."""

    start: int
    end: int
    text: str
    count: int
    pairs: tuple[Pair, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @staticmethod
    def of(data: Any) -> "VerbatimSpan":
        """A span out of its JSON object."""
        return record(VerbatimSpan, data, pairs=tuple(map(Pair.of, data["pairs"])))

    def __repr__(self) -> str:
        return brief("VerbatimSpan", repr(self.text), f"in {self.count} pairs")


def _spans(answer: Any) -> tuple[VerbatimSpan, ...]:
    return tuple(map(VerbatimSpan.of, answer["spans"]))


def _object(answer: Any) -> dict[str, Any]:
    return dict(answer)


def listing(
    model: str | None = None, limit: int | None = None, offset: int | None = None
) -> Call[Page[AttributionSummary]]:
    """The attributions, of one model or of all."""
    query = given(model=model, limit=limit, offset=offset)
    return Call("GET", ROOT, Page.of(AttributionSummary.of), query=query)


def retrieve(id: str) -> Call[KeptAttribution]:
    """The attribution with this id."""
    return Call("GET", f"{ROOT}/{segment(id)}", KeptAttribution.of)


def delete(id: str) -> Call[None]:
    """None, once the attribution is gone."""
    return Call("DELETE", f"{ROOT}/{segment(id)}", nothing)


def export(out: str | Path, format: Format = "jsonl", model: str | None = None) -> Call[Path]:
    """The path `out`, where the attributions are now, of one model or of all."""
    query = given(format=format, model=model)
    return Call("GET", f"{ROOT}/export", Path, query=query, save=destination(out))


def verbatim(id: str) -> Call[tuple[VerbatimSpan, ...]]:
    """The parts of the attribution's answer that stand word for word in training pairs, the longest first."""
    return Call("GET", f"{ROOT}/{segment(id)}/verbatim", _spans)


def chart(id: str, other: str | None = None) -> Call[dict[str, Any]]:
    """The scores of all pairs for the answer as a Vega-Lite specification; with `other`, the id of another attribution,
    both back to back."""
    kind = "distribution" if other is None else "mirrored"
    return Call("GET", f"{ROOT}/{segment(id)}/charts/{kind}", _object, query=given(other=other))


def report(id: str, out: str | Path) -> Call[Path]:
    """The path `out`, where the attribution is now as one HTML page that needs nothing else."""
    return Call("GET", f"{ROOT}/{segment(id)}/report", Path, save=destination(out))


def recurring(model: str | None = None, level: Level | str | None = None, limit: int | None = None) -> Call[Page[Pair]]:
    """The pairs that stand behind most answers, most frequent first, of one `level` or of all."""
    query = given(model=model, level=None if level is None else str(level), limit=limit)
    return Call("GET", "/v1/whence/pairs/recurring", Page.of(Pair.of), query=query)


def with_pair(
    pair_id: str, model: str | None = None, limit: int | None = None, offset: int | None = None
) -> Call[Page[AttributionSummary]]:
    """The attributions in which the pair was returned; `extra` has its `level`, `score`, `share`, `rank` and `side`."""
    query = given(model=model, limit=limit, offset=offset)
    return Call("GET", f"/v1/whence/pairs/{segment(pair_id)}/answers", Page.of(AttributionSummary.of), query=query)


class Attributions(Resource[D_co]):
    """`client.attributions`."""

    list = Method(listing)
    retrieve = Method(retrieve)
    delete = Method(delete)
    export = Method(export)
    verbatim = Method(verbatim)
    chart = Method(chart)
    report = Method(report)
    recurring = Method(recurring)
    with_pair = Method(with_pair)
