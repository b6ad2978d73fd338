"""The resources of the routes: the database, the objects and the engines of one process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import TypeVar

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from whence import settings
from whence.engine.pool import EnginePool
from whence.platform.database import Database, open_database
from whence.store.objects import Objects

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """Everything that is open while the service runs. `loopback`: only this machine can reach it.

    `stopping` is set when the process was told to end: streams without an end of their own end then.
    """

    database: Database
    objects: Objects
    engines: EnginePool
    loopback: bool = True
    stopping: Event = field(default_factory=Event)

    @staticmethod
    def open(loopback: bool = True) -> "Service":
        """The service as the settings have it."""
        return Service(
            open_database(settings.database_url()),
            Objects.at(settings.objects_url()),
            EnginePool(settings.engine_memory(), settings.engine_queue()),
            loopback,
        )

    async def in_session(self, work: Callable[[Session], T]) -> T:
        """The result of `work` in its own database session, without blocking other requests."""

        def call() -> T:
            with self.database.session() as session:
                return work(session)

        return await run_in_threadpool(call)


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service
