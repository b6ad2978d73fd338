"""API keys of the caller's team."""

from datetime import datetime
from typing import Literal

from whence.api.schemas.base import Answer


class KeyAnswer(Answer):
    """A key, without its secret, which is not kept. `revoked_at` is null for as long as it opens the service."""

    id: str
    created_at: datetime
    revoked_at: datetime | None


class KeyList(Answer):
    """The keys of the caller's team, the oldest first. `current`: the id of the one that this was asked with; null on
    a service without keys."""

    object: Literal["list"] = "list"
    team: str
    current: str | None
    data: list[KeyAnswer]


class NewKeyAnswer(Answer):
    """A key that was just made. `key` is shown this once."""

    id: str
    team: str
    key: str
