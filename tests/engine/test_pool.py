"""The pool of engines with real processes on a tiny model: what starts them, ends them, and what callers see of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.tiny import save_tiny, tiny_llama
from whence import child_process
from whence.engine import pool as pools
from whence.engine.messages import (
    ROUTES,
    AttributeRequest,
    ChatRequest,
    ContextRequest,
    EmbedRequest,
    EngineRequest,
    LoadRequest,
)
from whence.engine.pool import Engine, EngineError, EnginePool, Target
from whence.errors import BusyError
from whence.types import AttributionRequest

pytestmark = pytest.mark.process

LARGE = 1 << 40
"""More memory than engines can need."""
LONG = 4000


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Target:
    folder = save_tiny(tmp_path_factory.mktemp("one") / "tiny", tiny_llama(max_position_embeddings=LONG))
    return Target("base", str(folder))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return Target("base", str(save_tiny(tmp_path_factory.mktemp("two") / "tiny", tiny_llama(seed=1))))


@asynccontextmanager
async def pool(limit: int = LARGE, queue: int = 2) -> AsyncIterator[EnginePool]:
    """A pool that leaves no process and no file behind."""
    made = EnginePool(limit, queue)
    try:
        yield made
    finally:
        processes = [process_of(engine) for engine in made.running.values() if engine.alive]
        await made.stop()
        assert not any(process.is_running() for process in processes)
        assert not made.folder.exists()
        assert made.running == {}


@dataclass(frozen=True)
class Shared:
    """A pool that lives from test to test, as it does in the service."""

    made: EnginePool
    runner: asyncio.Runner

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.runner.run(work)


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with asyncio.Runner() as runner:
        opened = pool()
        yield Shared(runner.run(opened.__aenter__()), runner)
        runner.run(opened.__aexit__(None, None, None))


def process_of(engine: Engine) -> psutil.Process:
    return psutil.Process(engine.process.pid)


def chat(tokens: int, temperature: float = 0.0) -> ChatRequest:
    return ChatRequest((("user", "Who?"),), {"temperature": temperature, "max_new_tokens": tokens})


async def speak(made: EnginePool, target: Target, tokens: int = 4) -> int:
    """How many tokens an engine said."""
    pieces = [piece async for piece in made.stream(target, chat(tokens))]
    return pieces[-1]["usage"]["completion_tokens"]


async def until(true: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def test_an_engine_starts_when_it_is_first_needed_and_once(shared: Shared, one: Target):
    async def work() -> None:
        made = shared.made
        assert made.running == {}
        assert await asyncio.gather(speak(made, one), speak(made, one)) == [4, 4]
        (engine,) = made.running.values()
        assert await made.ask(one, LoadRequest()) == {"loaded": True}
        assert made.running == {one: engine}
        assert made.memory() == pytest.approx(engine.memory, rel=0.1)
        assert engine.memory > 10_000_000
        assert made.waiting[one] == 0

    shared.run(work())


def test_an_engine_that_died_is_started_again(shared: Shared, one: Target):
    async def work() -> None:
        made = shared.made
        first = await made.engine(one)
        process_of(first).kill()
        await until(lambda: not first.alive)
        assert await speak(made, one) == 4
        assert made.running[one] is not first

    shared.run(work())


def test_a_request_whose_engine_dies_before_it_answers_is_answered_by_the_next(one: Target):
    async def work() -> None:
        async with pool() as made:
            await made.engine(one)  # it is started, but has no model yet: that takes a while
            first = made.running[one]
            asked = asyncio.create_task(made.ask(one, LoadRequest()))
            await asyncio.sleep(0.2)
            assert not asked.done()
            process_of(first).kill()
            assert await asked == {"loaded": True}
            assert made.running[one] is not first

    asyncio.run(work())


def test_an_answer_that_is_cut_off_says_so(shared: Shared, one: Target):
    async def work() -> None:
        made = shared.made
        pieces = made.stream(one, chat(LONG // 2))
        assert "text" in await anext(pieces)
        process_of(made.running[one]).kill()
        with pytest.raises(EngineError, match=r"was lost .* Ask again") as caught:
            async for _ in pieces:
                pass
        assert caught.value.status == 503
        assert made.waiting[one] == 0

    shared.run(work())


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        (chat(4, temperature=-1), 400, "temperature"),
        (AttributeRequest("/nowhere", AttributionRequest("Q?")), 409, "/nowhere"),
        (EmbedRequest(("A text.",)), 500, "AttributeError"),
        (ContextRequest("C.", "Q?", "R."), 404, "The engine answered 404"),
    ],
)
def test_what_an_engine_refuses_is_told_with_its_status(
    shared: Shared, one: Target, request_: EngineRequest, status: int, words: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(ROUTES, ContextRequest, "/nothing")

    async def work() -> None:
        with pytest.raises(EngineError, match=words) as asked:
            await shared.made.ask(one, request_)
        with pytest.raises(EngineError, match=words) as streamed:
            await anext(shared.made.stream(one, request_))
        assert asked.value.status == streamed.value.status == status

    shared.run(work())


def test_more_requests_than_may_wait_are_told_when_to_come_back(shared: Shared, one: Target):
    async def work() -> None:
        made = shared.made
        asked = [asyncio.create_task(speak(made, one, 200)) for _ in range(2)]
        await until(lambda: made.waiting[one] == 2)
        for ask in (made.ask(one, LoadRequest()), speak(made, one)):
            with pytest.raises(BusyError, match=r"2 requests wait .* Come back in \d+ s") as caught:
                await ask
            assert 1 <= caught.value.seconds < 600
        assert await asyncio.gather(*asked) == [200, 200]
        assert await speak(made, one) == 4

    shared.run(work())


def test_callers_that_leave_free_their_place(shared: Shared, one: Target):
    async def work() -> None:
        made = shared.made
        asked = [asyncio.create_task(speak(made, one, LONG // 2)) for _ in range(2)]
        await until(lambda: made.waiting[one] == 2)
        await asyncio.sleep(0.1)
        for task in asked:
            task.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*asked, return_exceptions=True)
        )
        assert made.waiting[one] == 0
        assert await speak(made, one) == 4

    shared.run(work())


def test_the_engine_that_was_used_longest_ago_makes_room(one: Target, two: Target):
    async def work() -> None:
        async with pool() as made:
            await made.engine(one)
            await made.engine(two)
            oldest, kept = process_of(made.running[one]), made.running[two]
            await speak(made, two)
            made.limit = made.memory() + pools.ROOM_OF_NEW - 1
            third = Target("base", f"{two.place}/")
            await made.engine(third)
            assert set(made.running) == {two, third}
            assert made.running[two] is kept
            assert not oldest.is_running()

    asyncio.run(work())


def test_an_engine_that_is_in_use_does_not_make_room(shared: Shared, one: Target, two: Target):
    async def work() -> None:
        made = shared.made
        made.limit = 1
        asked = asyncio.create_task(speak(made, one, 200))
        await until(lambda: made.waiting[one] and one in made.running)
        with pytest.raises(BusyError, match="All memory for models is in use") as caught:
            await speak(made, two)
        assert caught.value.seconds == 10
        assert await asked == 200
        await made.engine(two)
        assert set(made.running) == {two}
        made.limit = LARGE

    shared.run(work())


def test_an_engine_that_does_not_start_is_told_and_tried_again(
    one: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    spawn = child_process.spawn
    (tmp_path / "broken.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def work() -> None:
        async with pool() as made:
            monkeypatch.setattr(child_process, "spawn", lambda _, *rest: spawn("broken", *rest))
            with pytest.raises(EngineError, match="did not start") as caught:
                await speak(made, one)
            assert caught.value.status == 503
            assert made.running == {}
            monkeypatch.setattr(child_process, "spawn", spawn)
            assert (await made.engine(one)).alive

    asyncio.run(work())


def test_stopping_ends_an_engine_in_the_middle_of_an_answer(one: Target):
    async def work() -> None:
        async with pool() as made:
            pieces = made.stream(one, chat(LONG // 2))
            await anext(pieces)
            process = process_of(made.running[one])
            await made.stop()
            assert not process.is_running()
            with pytest.raises(EngineError):
                async for _ in pieces:
                    pass
            await made.stop()

    asyncio.run(work())
