"""Middleware around every request: an id, a size limit, a line in the log, metrics.

Query strings are never logged: those of the attribution route hold answers.
"""

import logging
import time
from typing import Any
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whence.api.metrics import Metrics

log = logging.getLogger("whence.access")
LARGEST_BODY = 8 << 20
"""Bytes of the largest request that is no upload."""
MULTIPART_MARGIN = 1 << 20
UPLOADS = ("/flow/files", "/flow/bulk_files", "/v1/files", "/v1/flow/files", "/v1/flow/bulk_files")


class Traffic:
    """Goes around the whole app."""

    def __init__(self, app: ASGIApp, metrics: Metrics, largest_upload: int) -> None:
        self.app, self.metrics, self.largest_upload = app, metrics, largest_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identity, began = uuid4().hex, time.perf_counter()
        scope.setdefault("state", {})["request_id"] = identity
        status = 500

        async def out(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                names = (b"x-request-id", b"cf-ray")  # the second is what SeekrFlow's client reads
                message["headers"] = [*message["headers"], *((name, identity.encode()) for name in names)]
            await send(message)

        try:
            await self.app(scope, self._limited(scope, receive), out)
        finally:
            self._note(scope, status, time.perf_counter() - began, identity)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        upload = scope["path"] in UPLOADS
        limit = self.largest_upload + MULTIPART_MARGIN if upload else LARGEST_BODY
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        seen = int(stated) if stated.isdigit() and int(stated) > limit else 0

        async def limited() -> Message:
            nonlocal seen
            message: Any = {} if seen > limit else await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, f"A request must not be larger than {limit:,} bytes. Send less at once.")
            return message

        return limited

    def _note(self, scope: Scope, status: int, seconds: float, identity: str) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        self.metrics.note_request(scope["method"], route, status, seconds)
        fields = {
            "request_id": identity,
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": status,
            "milliseconds": round(1000 * seconds, 1),
            "client": (scope.get("client") or ("",))[0],
        }
        log.info("request", extra=fields)
