"""Two runs on one tiny base model with their indexes, and an engine in a process of its own."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.engine.waiting import until
from tests.null import small_null
from tests.tiny import save_tiny, tiny_llama
from tests.training.runs import short, write_pairs
from whence import child_process
from whence.pipeline import Index, build_index, finetune
from whence.training.run import Run

SECRET = "the secret of this start"
QUESTION = "Who lives in the red box?"
LONG = 4000
"""Tokens that a conversation may have: an answer of that length takes a while even on a tiny model."""


@dataclass(frozen=True)
class Running:
    """An engine's process and a caller that knows its secret."""

    process: psutil.Process
    client: httpx.Client
    socket: Path

    def post(self, what: str, **body: Any) -> Any:
        response = self.client.post(f"/{what}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def attribute(self, run: Run, **request: Any) -> Any:
        """The attribution of an answer to the question."""
        return self.post("attribute", run=str(run.folder), request={"question": QUESTION, **request})

    def chat(self, **body: Any) -> list[Any]:
        response = self.client.post("/chat", json=body)
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]


@contextmanager
def running(folder: Path, kind: str, place: Path) -> Iterator[Running]:
    """An engine for the length of a block."""
    path = folder / "engine.sock"
    process = child_process.spawn(
        "whence.engine.server", [str(path), kind, str(place)], {"WHENCE_ENGINE_SECRET": SECRET}
    )
    transport, headers = httpx.HTTPTransport(uds=str(path)), {"x-whence-secret": SECRET}
    with httpx.Client(transport=transport, base_url="http://engine", headers=headers, timeout=120) as client:
        try:
            until(lambda: listens(path))
            assert client.get("/status").status_code == 200
            yield Running(psutil.Process(process.pid), client, path)
        finally:
            child_process.end(process, 5)


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("engine-base") / "tiny", tiny_llama(max_position_embeddings=LONG))


@pytest.fixture(scope="session")
def runs(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two runs on the same base model, trained on other pairs from other seeds."""
    with small_null():
        return made(base, tmp_path_factory.mktemp("one"), 12, 0), made(base, tmp_path_factory.mktemp("two"), 7, 1)


def made(base: Path, folder: Path, count: int, seed: int) -> Run:
    pairs = write_pairs(folder / "pairs.jsonl", count)
    run = finetune(pairs, str(base), folder / "run", short(seed=seed, rank=4))
    build_index(run)
    return run


@pytest.fixture(scope="session")
def indexes(runs: tuple[Run, Run]) -> tuple[Index, Index]:
    """The indexes of the runs as the library opens them."""
    return Index.open(runs[0]), Index.open(runs[1])


@pytest.fixture(scope="session")
def full_run(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of which all weights were trained, without an index."""
    folder = tmp_path_factory.mktemp("full")
    recipe = short(full=True, epochs=1, learning_rate=1e-3)
    return finetune(write_pairs(folder / "pairs.jsonl"), str(base), folder / "run", recipe)


@pytest.fixture(scope="module")
def engine(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An engine on which the adapters of both runs are swapped."""
    with running(tmp_path_factory.mktemp("s"), "base", base) as started:
        yield started
