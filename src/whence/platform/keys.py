"""API keys and the teams they belong to. A key is shown once; its hash is kept and compared in constant time."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from whence.errors import AccessError, ConflictError, MissingError
from whence.platform.database import DEFAULT_TEAM
from whence.platform.tables import Key, Team, now

PREFIX = "wk"
KEY = re.compile(rf"{PREFIX}-([0-9a-f]{{12}})-([A-Za-z0-9_-]{{43}})")
TEAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")


@dataclass(frozen=True)
class NewKey:
    """A key that has just been made: the only time that its secret is known."""

    id: str
    team: str
    key: str


def id_of(presented: str) -> str | None:
    """The id that a presented key names, None if it has not the form of a key."""
    form = KEY.fullmatch(presented)
    return form.group(1) if form else None


def create_key(session: Session, team: str = DEFAULT_TEAM) -> NewKey:
    """A new key of a team, which is made if there is none of that name.

    Raises:
        AccessError: the name cannot be a team's.
    """
    if not TEAM_NAME.fullmatch(team):
        raise AccessError(
            f"A team's name has 1 to 64 letters, digits, blanks, dots, dashes or underscores (found {team!r}). "
            "Choose another."
        )
    owner = session.scalar(select(Team).where(Team.name == team))
    if owner is None:
        owner = Team(name=team)
        session.add(owner)
        session.flush()
    identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    session.add(Key(id=identity, team_id=owner.id, hash=_hash(secret)))
    return NewKey(identity, team, f"{PREFIX}-{identity}-{secret}")


def list_keys(session: Session) -> list[tuple[Key, str]]:
    """All keys with their teams' names, the oldest first."""
    rows = session.execute(select(Key, Team.name).join(Team, Key.team_id == Team.id).order_by(Key.created_at))
    return [(key, name) for key, name in rows]


def keys_of(session: Session, team: int) -> list[Key]:
    """A team's keys, the oldest first."""
    return list(session.scalars(select(Key).where(Key.team_id == team).order_by(Key.created_at, Key.id)))


def name_of(session: Session, team: int) -> str:
    """The name of a team."""
    return session.get_one(Team, team).name


def revoke_own(session: Session, team: int, identity: str, used: str | None) -> Key:
    """The team's key of that id, which opens nothing from now on. `used` is the one that this is asked with.

    Raises:
        MissingError: the team has no such key.
        ConflictError: it is the one in use: nobody could take that back.
    """
    key = session.get(Key, identity)
    if key is None or key.team_id != team:
        raise MissingError(f"Your team has no key with the id {identity[:80]!r}.")
    if identity == used:
        raise ConflictError(f"{identity} is the key that this request uses. Revoke it with another key of your team.")
    return revoke_key(session, identity)


def revoke_key(session: Session, identity: str) -> Key:
    """The key of that id, which opens nothing from now on.

    Raises:
        AccessError: there is none.
    """
    key = session.get(Key, identity)
    if key is None:
        raise AccessError(f"No key has the id {identity!r}. `whence keys list` shows the ids.")
    key.revoked_at = key.revoked_at or now()
    return key


def keys_exist(session: Session) -> bool:
    """True if any key was ever created: revoking the last one does not open the service again."""
    return bool(session.scalar(select(func.count()).select_from(Key)))


def team_of(session: Session, presented: str) -> int | None:
    """The team that a presented key belongs to, None if it opens nothing."""
    form = KEY.fullmatch(presented)
    if form is None:
        return None
    identity, secret = form.groups()
    key = session.get(Key, identity)
    same = hmac.compare_digest(key.hash if key is not None else _hash(""), _hash(secret))
    return key.team_id if key is not None and same and key.revoked_at is None else None


def default_team(session: Session) -> int:
    """The team that owns what is made without a key."""
    found = session.scalar(select(Team.id).where(Team.name == DEFAULT_TEAM))
    assert found is not None
    return found


def _hash(secret: str) -> str:
    # The secret has 256 random bits: a slow hash would protect nothing more.
    return hashlib.sha256(secret.encode()).hexdigest()
