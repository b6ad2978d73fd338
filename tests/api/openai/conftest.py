"""OpenAI's own client, as it is installed, in front of the service."""

from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openai import OpenAI

from tests.api.conftest import ADDRESS
from whence.api.service import Service


def opened(caller: TestClient, key: str = "unused", retries: int = 0) -> OpenAI:
    """The official client, whose requests the caller carries."""
    return OpenAI(base_url=f"{ADDRESS}/v1", api_key=key, http_client=caller, max_retries=retries)


@pytest.fixture
def official(client: TestClient) -> OpenAI:
    """The official client of the session's service."""
    return opened(client)


@pytest.fixture
def starting(fresh: TestClient) -> OpenAI:
    """The official client of a service in which nothing was done yet."""
    return opened(fresh)


@pytest.fixture
def inside(fresh: TestClient) -> Service:
    """That service from within."""
    return cast(FastAPI, fresh.app).state.service
