"""`whence keys`: API keys of the service."""

from typing import Annotated

from cyclopts import App, Parameter

from whence import settings
from whence.cli.flags import Json
from whence.cli.output import console, print_json, show

app = App(
    name="keys", help="Create, list or revoke API keys of the service.", help_format="plaintext", version_flags=[]
)
app["--help"].help = "Show this text."


@app.command(name="create")
def create(
    *,
    team: Annotated[
        str, Parameter(metavar="NAME", help="Team that the key belongs to; created if it is new.")
    ] = "default",
    as_json: Json = False,
) -> None:
    """Create a key and show it once."""
    from whence.platform.database import open_database
    from whence.platform.keys import create_key

    with open_database(settings.database_url()).session() as session:
        made = create_key(session, team)
    if as_json:
        print_json({"id": made.id, "team": made.team, "key": made.key})
        return
    where = console()
    where.print(made.key, soft_wrap=True)
    where.print(f"This is key {made.id} of team {made.team}. It is not shown again: store it safely.")
    where.print("The service now requires a key.")


@app.command(name="list")
def listed(*, as_json: Json = False) -> None:
    """List the keys; their secrets are not stored."""
    from rich.table import Table

    from whence.platform.database import open_database
    from whence.platform.keys import list_keys

    with open_database(settings.database_url()).session() as session:
        found = [
            {"id": key.id, "team": team, "created_at": key.created_at, "revoked_at": key.revoked_at}
            for key, team in list_keys(session)
        ]
    if as_json:
        print_json(found)
        return
    table = Table("id", "team", "created", "revoked", box=None, pad_edge=False)
    for row in found:
        moments = [f"{row[name]:%Y-%m-%d %H:%M}" if row[name] else "" for name in ("created_at", "revoked_at")]
        table.add_row(str(row["id"]), str(row["team"]), *moments)
    show(table if found else "There is no key. Create one with: whence keys create")


@app.command(name="revoke")
def revoke(
    identity: Annotated[str, Parameter(name="ID", help="ID that `whence keys list` shows.")],
    /,
    *,
    as_json: Json = False,
) -> None:
    """Revoke a key; it stops working at once."""
    from whence.platform.database import open_database
    from whence.platform.keys import revoke_key

    with open_database(settings.database_url()).session() as session:
        key = revoke_key(session, identity)
        told = {"id": key.id, "revoked_at": key.revoked_at}
    if as_json:
        print_json(told)
    else:
        console().print(f"Key {identity} is revoked.")
