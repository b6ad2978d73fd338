"""Who is asking: the team of the key that a request carries."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from whence.api.service import Service, service_of
from whence.errors import AccessError
from whence.platform.keys import default_team, id_of, keys_exist, team_of

LOCAL = ("127.0.0.1", "localhost", "[::1]", "::1")
header = APIKeyHeader(
    name="Authorization", auto_error=False, description="The API key, bare or after `Bearer `.", scheme_name="key"
)


@dataclass(frozen=True)
class Caller:
    """Who asks: a team, and the id of the key that said so; None on a service without keys."""

    team: int
    key: str | None


def caller(
    request: Request,
    authorization: Annotated[str | None, Depends(header)],
    service: Annotated[Service, Depends(service_of)],
) -> Caller:
    """The team whose key the request carries. Without any key in the database, on loopback, the default team.

    Raises:
        AccessError: a key is needed and this one opens nothing.
    """
    presented = (authorization or "").strip()
    if presented[:7].lower() == "bearer ":
        presented = presented[7:].strip()
    with service.database.session() as session:
        if presented and (found := team_of(session, presented)):
            return Caller(found, id_of(presented))
        if keys_exist(session) or not service.loopback:
            raise AccessError(
                "A valid API key is needed. Send it as the Authorization header; `whence keys create` makes one."
            )
        require_local(request)
        return Caller(default_team(session), None)


def team(caller: Annotated[Caller, Depends(caller)]) -> int:
    """The team of who is asking."""
    return caller.team


def require_local(request: Request) -> None:
    """Raise unless the request names this machine: a web page elsewhere could name it otherwise (DNS rebinding).

    Raises:
        AccessError: it names another host.
    """
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    if host not in LOCAL:
        raise AccessError(
            f"Without API keys this service answers to {LOCAL[0]} and localhost only (found {host[:60]!r})."
        )


Asking = Annotated[Caller, Depends(caller)]
Team = Annotated[int, Depends(team)]
Open = Annotated[Service, Depends(service_of)]
