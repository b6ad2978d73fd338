"""The app: its routes, its errors, and what goes around every request."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from whence import __version__, settings
from whence.api.errors import documented, handle_errors
from whence.api.loading import load_pending
from whence.api.metrics import Metrics
from whence.api.middleware import Traffic
from whence.api.routes import health, manual, native, openai, page, seekrflow
from whence.api.service import Service

DESCRIPTION = """Which training examples made this fine-tuned model give this answer?

Three dialects over one service: SeekrFlow's (`/v1/flow`, `/v1/inference`, `/v1/explainability`), OpenAI's (`/v1/chat`,
`/v1/files`, `/v1/fine_tuning`, `/v1/models`) and Whence's own (`/v1/whence`), the most complete one.
"""


def create_app(service: Service) -> FastAPI:
    """The app over an open service, which is closed with it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        loading = asyncio.create_task(load_pending(service))
        yield
        loading.cancel()
        await service.engines.stop()
        service.database.close()

    app = FastAPI(
        title="Whence",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        strict_content_type=False,  # older clients send JSON without saying so
        redirect_slashes=False,
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    app.state.metrics = Metrics(service)
    include(app)
    handle_errors(app)
    app.add_middleware(Traffic, metrics=app.state.metrics, largest_upload=settings.largest_upload())
    return app


def include(app: FastAPI) -> None:
    """Add all routes; SeekrFlow's also without `/v1`, for clients older than 0.23 with such a base address."""
    for router in seekrflow.routers():
        app.include_router(router, prefix="/v1", responses=documented())
        app.include_router(router, responses=documented(), include_in_schema=False)
    for router in openai.routers():
        app.include_router(router, prefix="/v1", responses=documented(openai=True))
    for router in native.routers():
        app.include_router(router, prefix="/v1", responses=documented())
    app.include_router(health.router, responses=documented())
    app.include_router(manual.router)
    page.mount(app)
    without_422(app)


def without_422(app: FastAPI) -> None:
    """Leave 422 out of an app's document, where FastAPI adds it: what is unsound is answered with 400."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        return document

    app.openapi = openapi
