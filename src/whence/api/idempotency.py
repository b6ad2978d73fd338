"""Creates that a client sends again because it never saw the answer: carried out once for each idempotency key."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Header
from sqlalchemy.orm import Session

from whence.platform.tables import Replay

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]


def once(session: Session, team: int, key: str | None, create: Callable[[], str]) -> str:
    """The id of what `create` made, now or when the same key came before."""
    if key is None:
        return create()
    there = session.get(Replay, (team, key))
    if there is not None:
        return there.record
    made = create()
    session.add(Replay(team_id=team, key=key, record=made))
    return made
