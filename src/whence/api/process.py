"""The process of the API: `python -m whence.api.process HOST PORT`."""

import sys
from contextlib import suppress
from types import FrameType

import uvicorn

from whence import child_process
from whence.api.app import create_app
from whence.api.service import Service
from whence.platform.logs import start_logging
from whence.platform.supervisor import is_loopback

LONGEST_HEAD = 1 << 18
"""Bytes of a request's line and headers: an answer of 64 kB, escaped, fits into the query of the attribution route."""
KEEP_ALIVE = 75
"""Seconds: longer than clients keep idle connections, which would otherwise send a create again."""


class Server(uvicorn.Server):
    """A server that lets the service know when it is told to end."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self.service.stopping.set()
        super().handle_exit(sig, frame)


def main() -> None:
    """Serve until told to end; requests that are being answered are answered."""
    child_process.exit_with_parent()
    start_logging("api")
    host, port = sys.argv[1], int(sys.argv[2])
    service = Service.open(is_loopback(host))
    config = uvicorn.Config(
        create_app(service),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=30,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        ws="none",
    )
    server = Server(config, service)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
