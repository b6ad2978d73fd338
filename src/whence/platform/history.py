"""Attributions that were made, and the pairs that recur in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, or_, select
from sqlalchemy.orm import Session

from whence.errors import MissingError
from whence.platform.tables import AttributionRecord, InfluenceRecord

ORDER = {"high": 3, "medium": 2, "low": 1}
SUPPORTING, OPPOSING = "supporting", "opposing"
PLACES = {SUPPORTING: "results", OPPOSING: "opposing"}
"""Where an attribution has the pairs of each side."""


@dataclass(frozen=True)
class PairAnswer:
    """An answer in which a pair was returned, on which side, and what the pair made of it."""

    attribution: AttributionRecord
    side: str
    level: str
    score: float
    share: float
    rank: int


@dataclass(frozen=True)
class Recurring:
    """A pair that several answers rest on. `level` is the highest, `share` the mean over those answers."""

    pair_id: str
    file_id: str
    file: str
    line: int
    messages: str
    count: int
    share: float
    level: str


def record(session: Session, team: int, model: str, job_id: str, result: dict[str, Any]) -> AttributionRecord:
    """Keep an attribution with the pairs that it returned."""
    kept = AttributionRecord(team_id=team, model=model, job_id=job_id, result=result)
    session.add(kept)
    session.flush()
    sides = [(SUPPORTING, pair) for pair in result["results"]] + [(OPPOSING, pair) for pair in result["opposing"]]
    session.add_all(
        InfluenceRecord(
            attribution_id=kept.id,
            pair_id=pair["id"],
            file_id=pair["file_id"],
            file=pair["file"],
            line=pair["line"],
            messages=pair["messages"],
            level=pair["influence_level"],
            share=pair["share"],
            side=side,
        )
        for side, pair in {pair["id"]: (side, pair) for side, pair in reversed(sides)}.values()
    )
    return kept


def whole(kept: AttributionRecord) -> dict[str, Any]:
    """All that is known of an attribution, as callers see it."""
    own = {"id": kept.id, "object": "attribution", "created_at": kept.created_at}
    return {**kept.result, **own, "model": kept.model, "job_id": kept.job_id}


def brief(kept: AttributionRecord) -> dict[str, Any]:
    """An attribution as a row of a list."""
    result, names = kept.result, ("question", "answer", "generated", "method", "sentence")
    pairs = result["results"]
    top = max((pair["influence_level"] for pair in pairs), key=ORDER.__getitem__, default=None)
    own = {"id": kept.id, "created_at": kept.created_at, "model": kept.model, "job_id": kept.job_id}
    told = {name: result[name] for name in names}
    return {**own, **told, "pairs": len(pairs), "lift_total": result["lift"]["total"], "top_level": top}


def get_attribution(session: Session, team: int, identity: str) -> AttributionRecord:
    """An attribution of the team.

    Raises:
        MissingError: it has none of that id.
    """
    kept = session.get(AttributionRecord, identity)
    if kept is None or kept.team_id != team:
        raise MissingError(f"No attribution {identity!r} exists for your user.")
    return kept


def list_attributions(
    session: Session, team: int, model: str | None, limit: int, offset: int
) -> tuple[list[AttributionRecord], int]:
    """One page of the team's attributions, the newest first, and how many there are in all."""
    wanted = _of(team, model)
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    return list(session.scalars(wanted.offset(offset).limit(limit))), total


def every_attribution(session: Session, team: int, model: str | None) -> Iterator[AttributionRecord]:
    """All of the team's attributions, the newest first, a hundred in memory at a time."""
    return session.scalars(_of(team, model).execution_options(yield_per=100)).__iter__()


def delete_attribution(session: Session, team: int, identity: str) -> None:
    """Forget an attribution."""
    kept = get_attribution(session, team, identity)
    session.execute(delete(InfluenceRecord).where(InfluenceRecord.attribution_id == kept.id))
    session.delete(kept)


def recurring(
    session: Session, team: int, model: str | None, level: str | None, limit: int, offset: int
) -> tuple[list[Recurring], int]:
    """One page of the pairs that the team's attributions returned, the most frequent first, and how many there are."""
    rank = case(ORDER, value=InfluenceRecord.level)
    wanted = (
        select(
            InfluenceRecord.pair_id,
            func.min(InfluenceRecord.file_id),
            func.min(InfluenceRecord.file),
            func.min(InfluenceRecord.line),
            func.min(InfluenceRecord.messages),
            func.count().label("count"),
            func.avg(InfluenceRecord.share).label("share"),
            func.max(rank),
        )
        .join(AttributionRecord, AttributionRecord.id == InfluenceRecord.attribution_id)
        .where(AttributionRecord.team_id == team, InfluenceRecord.side == SUPPORTING)
        .group_by(InfluenceRecord.pair_id)
    )
    if model is not None:
        wanted = wanted.where(_asked_of(model))
    if level is not None:
        wanted = wanted.where(InfluenceRecord.level == level)
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    page = wanted.order_by(func.count().desc(), func.avg(InfluenceRecord.share).desc(), InfluenceRecord.pair_id)
    names = {number: name for name, number in ORDER.items()}
    rows = session.execute(page.offset(offset).limit(limit))
    return [Recurring(*row[:7], names[row[7]]) for row in rows], total


def answers_of(
    session: Session, team: int, pair_id: str, model: str | None, limit: int, offset: int
) -> tuple[list[PairAnswer], int]:
    """One page of the team's attributions that returned a pair, the newest first, and how many there are in all."""
    wanted = (
        select(AttributionRecord, InfluenceRecord.side)
        .join(InfluenceRecord, InfluenceRecord.attribution_id == AttributionRecord.id)
        .where(AttributionRecord.team_id == team, InfluenceRecord.pair_id == pair_id)
    )
    if model is not None:
        wanted = wanted.where(_asked_of(model))
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    page = wanted.order_by(AttributionRecord.created_at.desc(), AttributionRecord.id).offset(offset).limit(limit)
    return [_answered(kept, side, pair_id) for kept, side in session.execute(page)], total


def _answered(kept: AttributionRecord, side: str, pair_id: str) -> PairAnswer:
    pair = next(one for one in kept.result[PLACES[side]] if one["id"] == pair_id)
    return PairAnswer(kept, side, pair["influence_level"], pair["score"], pair["share"], pair["rank"])


def latest_job_of(session: Session, team: int, pair_id: str) -> str | None:
    """The job of the team's latest attribution that returned a pair; None where none did."""
    made = select(AttributionRecord.job_id).join(InfluenceRecord).where(InfluenceRecord.pair_id == pair_id)
    own = made.where(AttributionRecord.team_id == team).order_by(AttributionRecord.created_at.desc())
    return session.scalar(own.limit(1))


def _asked_of(model: str) -> ColumnElement[bool]:
    """Of a deployment, or of a job, whichever of its deployments was asked."""
    return or_(AttributionRecord.model == model, AttributionRecord.job_id == model)


def _of(team: int, model: str | None) -> Select[AttributionRecord]:
    wanted = select(AttributionRecord).where(AttributionRecord.team_id == team)
    if model is not None:
        wanted = wanted.where(_asked_of(model))
    return wanted.order_by(AttributionRecord.created_at.desc(), AttributionRecord.id)
