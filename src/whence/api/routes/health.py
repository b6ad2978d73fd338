"""Liveness, readiness and metrics."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from whence.api.auth import Open

router = APIRouter(tags=["Operations"])


class Health(BaseModel):
    """A state in one word."""

    status: str


@router.get("/healthz", summary="Is the process alive?", operation_id="healthz")
async def alive() -> Health:
    """Confirm that the process is alive."""
    return Health(status="ok")


@router.get("/readyz", summary="Can it work?", operation_id="readyz")
def ready(service: Open) -> Health:
    """Confirm that the database can be reached; 503 if not."""
    with service.database.session() as session:
        session.execute(text("SELECT 1"))
    return Health(status="ok")


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def metrics(request: Request) -> Response:
    """Requests, queues, latencies and memory."""
    return Response(request.app.state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
