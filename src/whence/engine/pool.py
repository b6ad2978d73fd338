"""The engines: started when first needed, called over their sockets, ended when memory runs short."""

import asyncio
import json
import logging
import secrets
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
import psutil

from whence import child_process
from whence.engine.messages import ROUTES, EngineRequest
from whence.errors import BusyError, WhenceError
from whence.types import encode

STARTING = 180.0
"""Seconds until an engine must answer; its model is loaded after that."""
TIMEOUT = 1800.0
ROOM_OF_NEW = 1 << 30
"""Bytes that a new engine is assumed to need."""
GRACE = 5.0
FIRST_GUESS, LONGEST_WAIT = 1.0, 60.0
"""Seconds that a first request is assumed to take, and the longest wait that a client is asked for."""
log = logging.getLogger("whence.engines")


class EngineError(WhenceError):
    """A request that an engine refused, with the HTTP `status` to answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Target:
    """The engine that a request is for: a base model on which adapters are swapped, one run's own, or an encoder."""

    kind: str
    place: str


@dataclass
class Engine:
    """A running engine."""

    process: Popen[bytes]
    client: httpx.AsyncClient
    used: float = field(default_factory=time.monotonic)
    born: float = field(default_factory=time.monotonic)

    @property
    def alive(self) -> bool:
        """True if its process is running."""
        return self.process.poll() is None

    @property
    def memory(self) -> int:
        """Bytes in memory."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0


class EnginePool:
    """All engines of this service. `limit` is the memory they may use together, `queue` the most that wait for one."""

    def __init__(self, limit: int | None, queue: int) -> None:
        self.limit = limit or int(0.7 * psutil.virtual_memory().total)
        self.queue = queue
        self.running: dict[Target, Engine] = {}
        self.waiting: Counter[Target] = Counter()
        self.usual: dict[Target, float] = {}
        self.ended: dict[Target, float] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="whence-"))
        self._starting: dict[Target, asyncio.Lock] = {}
        self._room = asyncio.Lock()

    async def ask(self, target: Target, request: EngineRequest) -> Any:
        """An engine's answer. An engine that dies meanwhile is started again, once.

        Raises:
            BusyError: too many requests wait for it already, or there is no memory for it.
            EngineError: it refused.
        """
        async with self._turn(target):
            for attempt in (1, 2):
                engine = await self.engine(target)
                try:
                    return _read(await engine.client.post(ROUTES[type(request)], json=encode(request)))
                except httpx.TransportError as error:
                    await self._after_loss(engine, error, attempt)

    async def stream(self, target: Target, request: EngineRequest) -> AsyncIterator[Any]:
        """The lines of an engine's answer as they come.

        Raises:
            BusyError, EngineError: as `ask`; also if it dies in the middle of an answer.
        """
        async with self._turn(target):
            for attempt in (1, 2):
                engine, begun = await self.engine(target), False
                try:
                    async with engine.client.stream("POST", ROUTES[type(request)], json=encode(request)) as response:
                        if response.status_code != 200:
                            await response.aread()
                            _read(response)
                        async for line in response.aiter_lines():
                            begun = True
                            yield json.loads(line)
                        return
                except httpx.TransportError as error:
                    await self._after_loss(engine, error, 2 if begun else attempt)

    async def stop(self) -> None:
        """End all engines."""
        for target in list(self.running):
            await self._end(target)
        shutil.rmtree(self.folder, ignore_errors=True)

    def memory(self) -> int:
        """Bytes that all engines have in memory."""
        return sum(engine.memory for engine in self.running.values())

    @asynccontextmanager
    async def _turn(self, target: Target) -> AsyncGenerator[None]:
        """A request's place in the queue of an engine, which may not be running yet."""
        waiting, usual = self.waiting[target], self.usual.get(target, FIRST_GUESS)
        if waiting >= self.queue:
            seconds = min(max(1.0, usual * waiting), LONGEST_WAIT)
            raise BusyError(f"{waiting} requests wait for this model already. Come back in {seconds:.0f} s.", seconds)
        self.waiting[target] += 1
        began = time.monotonic()
        try:
            yield
            self._learn(target, began)
        finally:
            self.waiting[target] -= 1
            if target in self.running:
                self.running[target].used = time.monotonic()

    def _learn(self, target: Target, began: float) -> None:
        """Update the usual duration of a request, counted from its turn, unless the engine was started for it."""
        engine, now = self.running.get(target), time.monotonic()
        if engine is None or engine.born > began:
            return
        took = now - max(began, self.ended.get(target, began))
        usual = self.usual.get(target, took)
        self.usual[target], self.ended[target] = usual + 0.3 * (took - usual), now

    async def engine(self, target: Target) -> Engine:
        """The running engine of a target, started if necessary."""
        async with self._starting.setdefault(target, asyncio.Lock()):
            engine = self.running.get(target)
            if engine is not None and engine.alive:
                return engine
            if engine is not None:
                await self._end(target)
            async with self._room:
                await self._make_room()
                return await self._start(target)

    async def _start(self, target: Target) -> Engine:
        socket, secret = self.folder / f"{secrets.token_hex(4)}.sock", secrets.token_urlsafe(32)
        environment = {"WHENCE_ENGINE_SECRET": secret}
        process = child_process.spawn("whence.engine.server", [str(socket), target.kind, target.place], environment)
        transport = httpx.AsyncHTTPTransport(uds=str(socket), limits=httpx.Limits(max_connections=None))
        timeout = httpx.Timeout(TIMEOUT, connect=10.0)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://engine", headers={"x-whence-secret": secret}, timeout=timeout
        )
        engine = Engine(process, client)
        self.running[target] = engine
        deadline = time.monotonic() + STARTING
        while True:
            try:
                await client.get("/status", timeout=5.0)
                return engine
            except httpx.TransportError:
                if not engine.alive or time.monotonic() > deadline:
                    await self._end(target)
                    raise EngineError(
                        "The engine of this model did not start. The log of the service says why.", 503
                    ) from None
            await asyncio.sleep(0.05)

    async def _make_room(self) -> None:
        """End idle engines, the least recently used first, until a new one fits."""
        while self.running and self.memory() + ROOM_OF_NEW > self.limit:
            idle = [target for target in self.running if not self.waiting[target]]
            if not idle:
                raise BusyError("All memory for models is in use. Come back in 10 s, or demote a deployment.", 10.0)
            oldest = min(idle, key=lambda target: self.running[target].used)
            log.info("engine unloaded", extra={"place": oldest.place})
            await self._end(oldest)

    async def _after_loss(self, engine: Engine, error: Exception, attempt: int) -> None:
        await asyncio.sleep(0.1)  # the system needs a moment to report that a process has ended
        if attempt == 1 and not engine.alive:
            log.warning("engine died; it is started again")
            return
        raise EngineError(f"The engine of this model was lost ({type(error).__name__}). Ask again.", 503) from error

    async def _end(self, target: Target) -> None:
        engine = self.running.pop(target)
        await engine.client.aclose()
        await asyncio.to_thread(child_process.end, engine.process, GRACE)


def _read(response: httpx.Response) -> Any:
    if response.status_code == 200:
        return response.json()
    try:
        message = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = f"The engine answered {response.status_code}."
    raise EngineError(message, response.status_code)
