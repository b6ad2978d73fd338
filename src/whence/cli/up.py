"""`whence up`: run the service on this machine."""

import socket
import threading
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from whence import settings
from whence.cli.flags import Json
from whence.cli.output import console, print_json
from whence.errors import AccessError, WhenceError

PORT = 8321
READY = 60.0


def up(
    *,
    host: Annotated[str, Parameter(metavar="ADDRESS", help="Address to listen on; a public one needs a key.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535), help="Port to listen on.")] = PORT,
    as_json: Json = False,
) -> None:
    """Run the service until it is stopped with Ctrl+C."""
    from whence.platform.database import open_database
    from whence.platform.keys import keys_exist
    from whence.platform.supervisor import is_loopback, serve, wait_until_ready

    database = open_database(settings.database_url())
    with database.session() as session:
        keyed = keys_exist(session)
    database.close()
    if not keyed and not is_loopback(host):
        raise AccessError(
            f"A service that others can reach needs an API key, but there is none (host {host}). "
            "Create one first: whence keys create"
        )
    require_free(host, port)
    reached = "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else f"[{host}]" if ":" in host else host
    threading.Thread(target=_tell, args=(wait_until_ready, reached, port, keyed, as_json), daemon=True).start()
    serve(host, port)


def _tell(wait_until_ready: object, reached: str, port: int, keyed: bool, as_json: bool) -> None:
    assert callable(wait_until_ready)
    ready = bool(wait_until_ready(reached, port, READY))
    state = {
        "address": f"http://{reached}:{port}",
        "ready": ready,
        "home": str(settings.home()),
        "database": settings.shown_database(),
        "objects": settings.objects_url(),
        "keys": "needed" if keyed else "none",
    }
    if as_json:
        print_json(state)
        return
    where = console()
    where.print(f"Whence is running at {state['address']}" if ready else "The service is not ready yet; see the log.")
    where.print(f"  page           {state['address']}/")
    where.print(f"  reference      {state['address']}/docs")
    where.print(f"  storage        {state['home']}", soft_wrap=True)
    where.print(f"  database       {state['database']}", soft_wrap=True)
    where.print(f"  files          {state['objects']}", soft_wrap=True)
    if keyed:
        where.print("  access         with an API key (whence keys list)")
    else:
        where.print("  access         open to everyone on this machine: there is no key")
        where.print("                 (create one with: whence keys create)")
    where.print("Stop it with Ctrl+C.")


def require_free(host: str, port: int) -> None:
    """Raise unless the address is free to listen on.

    Raises:
        WhenceError: the port is in use, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise WhenceError(
                f"Whence cannot listen on {host}:{port} ({error.strerror}). Choose another --port or --host."
            ) from error
