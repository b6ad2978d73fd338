import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from tests.client.service import Service, refusal, serving
from tests.client.shapes import FILE, KEPT, PROJECT
from whence.client import ConnectionFailed, NotFound, Overloaded, ServerError, TimedOut
from whence.client.retries import LONGEST_BACKOFF, LONGEST_WAIT

LOST = httpx.ReadError("reset by peer")
LATE = httpx.ReadTimeout("no answer")
UNREACHED = httpx.ConnectError("refused")


def attribute(service: Service) -> object:
    with service.client() as client:
        return client.explainability.attribute("deployment-1", "Who?")


def retrieve(service: Service, **options: int) -> object:
    with service.client(**options) as client:
        return client.projects.retrieve(7)


@pytest.mark.parametrize("trouble", [UNREACHED, LOST, LATE, refusal(429), refusal(502), refusal(503), refusal(504)])
def test_what_may_be_repeated_is_sent_again(trouble: httpx.Response | Exception):
    service = serving(trouble, trouble, PROJECT)
    assert retrieve(service).id == 7  # type: ignore[attr-defined]
    assert len(service.requests) == 3


def test_waits_double_and_vary_up_to_a_limit():
    service = serving(refusal(503))
    with pytest.raises(Overloaded):
        retrieve(service, max_retries=7)
    assert len(service.requests) == 8
    full = [min(0.5 * 2**attempt, LONGEST_BACKOFF) for attempt in range(7)]
    assert all(whole / 2 <= slept <= whole for slept, whole in zip(service.slept, full, strict=True))
    assert service.slept != full


def test_the_async_client_retries_as_often():
    service = serving(refusal(503), LOST, PROJECT)

    async def asked() -> int:
        async with service.async_client() as client:
            return (await client.projects.retrieve(7)).id

    assert asyncio.run(asked()) == 7
    assert len(service.slept) == 2


def test_a_server_that_says_how_long_is_given_that_long():
    service = serving(refusal(429, retry_after="7"), refusal(503, retry_after="1.5"), PROJECT)
    retrieve(service)
    assert service.slept == [7.0, 1.5]


def test_a_date_to_retry_after_is_understood():
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    service = serving(refusal(503, retry_after=at), PROJECT)
    retrieve(service)
    assert 25 < service.slept[0] <= 30


def test_a_date_that_is_past_means_at_once():
    service = serving(refusal(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), PROJECT)
    retrieve(service)
    assert service.slept == [0.0]


@pytest.mark.parametrize("value", ["soon", "-3", ""])
def test_a_retry_after_that_makes_no_sense_is_as_none(value: str):
    service = serving(refusal(503, retry_after=value), PROJECT)
    retrieve(service)
    assert 0.25 <= service.slept[0] <= 0.5


def test_who_asks_for_too_long_a_wait_is_told_on_at_once():
    service = serving(refusal(503, "Down for the night.", retry_after=str(LONGEST_WAIT + 1)))
    with pytest.raises(Overloaded, match="Down for the night"):
        retrieve(service)
    assert service.slept == []


@pytest.mark.parametrize("trouble", [LOST, LATE, httpx.RemoteProtocolError("hung up"), refusal(502), refusal(504)])
def test_a_post_that_may_have_been_carried_out_is_not_sent_again(trouble: httpx.Response | Exception):
    service = serving(trouble, KEPT)
    with pytest.raises((ConnectionFailed, TimedOut, ServerError)):
        attribute(service)
    assert len(service.requests) == 1


@pytest.mark.parametrize("trouble", [UNREACHED, httpx.ConnectTimeout("slow"), refusal(429), refusal(503)])
def test_a_post_that_was_not_begun_is_sent_again(trouble: httpx.Response | Exception):
    service = serving(trouble, KEPT)
    attribute(service)
    assert len(service.requests) == 2


def test_a_create_is_sent_again_under_the_same_key():
    service = serving(LATE, refusal(504), PROJECT)
    with service.client() as client:
        client.projects.create("Help desk", "About orders")
        client.projects.create("Help desk", "About orders")
    keys = [request.headers["idempotency-key"] for request in service.requests]
    assert len(keys) == 4
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_an_upload_is_read_from_the_start_again_but_not_made_twice(tmp_path: Path):
    (tmp_path / "faq.jsonl").write_text("pairs" * 1000)
    service = serving(refusal(503), FILE)
    with service.client() as client:
        client.files.upload(tmp_path / "faq.jsonl")
    assert all(b"pairs" * 1000 in request.content for request in service.requests)
    service = serving(LATE, FILE)
    with service.client() as client, pytest.raises(TimedOut):
        client.files.upload(tmp_path / "faq.jsonl")
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 409, 413, 500])
def test_a_refusal_is_not_asked_twice(status: int):
    service = serving(refusal(status))
    with pytest.raises(Exception, match=rf"No\. \(HTTP {status}\)"):
        retrieve(service)
    assert (len(service.requests), service.slept) == (1, [])


def test_without_retries_the_first_failure_is_the_last():
    service = serving(UNREACHED, json.loads("{}"))
    with pytest.raises(ConnectionFailed, match=r"No server answers at http://whence\.test"):
        retrieve(service, max_retries=0)
    assert len(service.requests) == 1


def test_a_refusal_after_retries_is_the_one_that_is_raised():
    with pytest.raises(NotFound):
        retrieve(serving(refusal(503), refusal(404)))
