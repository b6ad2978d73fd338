"""Every call: what it sends, and that both clients send and give the same."""

import asyncio
import inspect
import json
from operator import attrgetter
from typing import Any

import pytest

from tests.client.service import Service, serving
from tests.client.shapes import EXAMPLES, Example
from whence.client import AsyncClient, Client
from whence.client.resource import Method, Resource, StreamMethod

ids = [f"{example.name}-{place}" for place, example in enumerate(EXAMPLES)]
every_call = pytest.mark.parametrize("example", EXAMPLES, ids=ids)
ELSEWHERE = {
    "files.upload",
    "files.bulk_upload",
    "files.check",
    "files.content",
    "attributions.export",
    "attributions.report",
    "runs.events",
}
"""Calls with a body that is no JSON, which have tests of their own."""


def ask(service: Service, example: Example) -> Any:
    with service.client() as client:
        return attrgetter(example.name)(client)(*example.arguments, **example.options)


def ask_async(service: Service, example: Example) -> Any:
    async def asked() -> Any:
        async with service.async_client() as client:
            return await attrgetter(example.name)(client)(*example.arguments, **example.options)

    return asyncio.run(asked())


@every_call
def test_a_call_sends_what_the_contract_says(example: Example):
    service = serving(example.reply)
    ask(service, example)
    request = service.request
    assert (request.method, request.url.raw_path.decode()) == (example.method, example.target)
    assert (json.loads(request.content) if request.content else None) == example.body
    assert request.headers["authorization"] == "Bearer secret"
    assert ("idempotency-key" in request.headers) == example.keyed


@every_call
def test_the_async_client_sends_and_gives_the_same(example: Example):
    one, other = serving(example.reply), serving(example.reply)
    assert ask(one, example) == ask_async(other, example)
    assert_same_request(one, other)


def assert_same_request(one: Service, other: Service) -> None:
    sent, sent_async = one.request, other.request
    assert (sent.method, sent.url, sent.content) == (sent_async.method, sent_async.url, sent_async.content)
    alike = [{k: v for k, v in r.headers.items() if k != "idempotency-key"} for r in (sent, sent_async)]
    assert alike[0] == alike[1]


@every_call
def test_what_comes_back_prints_on_one_line(example: Example):
    assert "\n" not in repr(ask(serving(example.reply), example))


def calls_of(client: object) -> set[str]:
    """The names of all calls that a client offers."""
    groups = {name: value for name, value in vars(client).items() if isinstance(value, Resource)}
    groups["chat.completions"] = groups.pop("chat").completions  # type: ignore[attr-defined]
    return {f"{group}.{name}" for group, value in groups.items() for name in vars(type(value)) if name[0] != "_"}


def test_every_call_of_both_clients_is_among_the_examples():
    with serving({}).client() as client:
        offered = calls_of(client)
    assert offered == {example.name for example in EXAMPLES} | ELSEWHERE
    assert offered == calls_of(AsyncClient("http://whence.test"))


def test_both_clients_take_the_same_arguments():
    sync, other = (list(inspect.signature(kind).parameters) for kind in (Client, AsyncClient))
    assert sync == other


def test_a_call_keeps_the_name_signature_and_words_of_its_description():
    with serving({}).client() as client:
        method = client.files.rename
    assert (method.__name__, list(inspect.signature(method).parameters)) == ("rename", ["id", "new"])
    assert method.__doc__ == "The file under its new name."


def test_every_call_says_what_comes_back():
    descriptions = [value for group in Resource.__subclasses__() for value in vars(group).values()]
    calls = [value for value in descriptions if isinstance(value, Method | StreamMethod)]
    assert len(calls) > 30
    assert all((call.__doc__ or "").split(maxsplit=1)[0] in {"The", "None,", "Findings"} for call in calls)
