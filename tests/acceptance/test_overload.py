"""Far more callers than one engine can serve: each is answered or told when to come back, and nothing hangs."""

import asyncio
import http.client
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.acceptance.journey import ANSWER, QUESTION, Traveller
from tests.acceptance.service import Running

pytestmark = pytest.mark.process

CLIENTS = 64
ALIVE = 1.0
"""Seconds within which the process says that it is alive, whatever it does."""
HANGS = 240.0


@pytest.fixture(scope="module")
def trained(service: Running, twelve: Path) -> str:
    """A job whose model is in its engine's memory and has answered."""
    return Traveller(service).whole_way(twelve, 4).job_id


async def asked_at_once(service: Running, job_id: str) -> tuple[list[httpx.Response], list[float]]:
    """The answers to all clients, and the seconds that `/healthz` took until the last of them."""
    where = f"/v1/flow/explain/models/{job_id}/influential-finetuning-data"
    async with httpx.AsyncClient(
        base_url=service.url,
        headers={"Authorization": service.key},
        timeout=HANGS,
        limits=httpx.Limits(max_connections=None),
    ) as client:
        chat = {"model": job_id, "max_tokens": 16, "messages": [{"role": "user", "content": QUESTION}]}
        asking = [
            client.get(where, params={"question": f"{QUESTION} {n}", "answer": ANSWER})
            if n % 4
            else client.post("/v1/inference/chat/completions", json={**chat, "stream": n % 8 == 0})
            for n in range(CLIENTS)
        ]
        everything = asyncio.gather(*asking)
        health: list[float] = []
        while not everything.done():
            began = time.monotonic()
            (await client.get("/healthz")).raise_for_status()
            health.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
        return await everything, health


def test_everybody_is_answered_or_told_when_to_come_back(service: Running, trained: str) -> None:
    answers, health = asyncio.run(asked_at_once(service, trained))
    assert {answer.status_code for answer in answers} == {200, 429}
    assert len([answer for answer in answers if answer.status_code == 200]) >= 16
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) >= 1
            assert "Come back in" in answer.json()["message"]
    assert max(health) < ALIVE
    alone = Traveller(service)
    assert alone.attribute(trained)["lift"]["tokens"] > 0
    assert alone.refusals == []


def test_an_answer_of_64_kilobytes_in_any_script_fits_into_the_query(service: Running, trained: str) -> None:
    """Escaped it is three times as long; SeekrFlow's client sends it like that."""
    answer = "ж" * (64 * 1024 // 2)
    where = f"/v1/flow/explain/models/{trained}/influential-finetuning-data"
    address = urlsplit(service.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=HANGS)
    connection.request("GET", f"{where}?question=Who&answer={quote(answer)}", headers={"Authorization": service.key})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert response.status == 200, text
