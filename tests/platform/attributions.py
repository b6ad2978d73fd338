"""Attributions as engines answer them, made without a model, and a team and job that they belong to."""

from typing import Any

from sqlalchemy.orm import Session

from whence.platform.history import record
from whence.platform.keys import default_team
from whence.platform.tables import AttributionRecord, Job
from whence.types import Attribution, Influence, Level, Lift, Message, Trust


def pair(number: int, level: Level = Level.HIGH, share: float = 0.5, question: str = "Who?") -> Influence:
    """Pair number `number` of a file, with an answer of its own."""
    messages = (Message("system", "Be brief."), Message("user", question), Message("assistant", f"Ant {number}."))
    return Influence(f"pair-{number}", "file-1", "faq.jsonl", number, messages, level, 2.5 * share, share, 1e-4, 1)


def result(
    *pairs: Influence, question: str = "Who lives there?", total: float = 12.5, opposing: tuple[Influence, ...] = ()
) -> dict[str, Any]:
    """An attribution that returns these pairs, as it is kept."""
    lift = Lift(fine_tuned=total - 20.0, base=-20.0, tokens=5, needed=3.0)
    trust = Trust("fisher", 0.02, controls=32, checkpoints=4)
    found = Attribution(question, "=Ant.", pairs, opposing, lift, "fisher", "nats", trust, generated=False)
    return {**found.to_dict(), "sentence": found.sentence, "phases": {"attribute": 0.1}, "system_prompt": None}


def job_of(session: Session, team: int) -> str:
    """A job that a team's attributions may name."""
    config, hardware = {"training_files": ["file-1"]}, {"accel_type": "A100", "n_accel": 1, "n_node": 1}
    job = Job(team_id=team, model="tiny", training_config=config, infrastructure=hardware, status="completed")
    session.add(job)
    session.flush()
    return job.id


def keep(session: Session, *results: dict[str, Any], team: int | None = None, model: str = "m") -> list[str]:
    """The ids of new attributions of a team, the default one unless told, in the order they were made."""
    owner = team or default_team(session)
    job = job_of(session, owner)
    made: list[AttributionRecord] = []
    for one in results:
        made.append(record(session, owner, model, job, one))
        session.flush()
    return [kept.id for kept in made]
