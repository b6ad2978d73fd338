import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import Whence
from whence.cli import up
from whence.errors import WhenceError
from whence.platform.supervisor import is_loopback, wait_until_ready

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def service(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home without a database."""
    monkeypatch.delenv("WHENCE_DATABASE_URL", raising=False)
    monkeypatch.delenv("WHENCE_OBJECTS_URL", raising=False)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", ""])
def test_without_a_key_only_this_machine_is_served(whence: Whence, host: str):
    done = whence("up", "--host", host, "--port", str(free_port()))
    assert (done.code, done.out) == (1, "")
    assert "whence keys create" in done.err


def test_refusals_as_json(whence: Whence, taken: int):
    error = json.loads(whence("up", "--host", "0.0.0.0", "--json").err)["error"]
    assert error["kind"] == "AccessError"
    error = json.loads(whence("up", "--port", str(taken), "--json").err)["error"]
    assert f"127.0.0.1:{taken}" in error["message"]


def test_a_port_in_use_is_refused(whence: Whence, taken: int):
    done = whence("up", "--port", str(taken))
    assert (done.code, done.out) == (1, "")
    assert f"Whence cannot listen on 127.0.0.1:{taken}" in done.err
    assert "--port" in done.err


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_what_is_no_port_is_wrong_use(whence: Whence, port: str):
    assert whence("up", "--port", port).code == 2


def test_an_address_of_another_machine_cannot_be_listened_on():
    with pytest.raises(WhenceError, match=r"cannot listen on 192\.0\.2\.1:8321"):
        up.require_free("192.0.2.1", 8321)


def test_a_free_port_can_be_listened_on():
    up.require_free("127.0.0.1", free_port())


def test_addresses_of_this_machine():
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "localhost", "::1"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "localhost.example.org", ""))


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_a_service_that_is_not_there_is_not_waited_for_long(address: str):
    assert not wait_until_ready(address, free_port(), 0.3)


def test_a_service_is_announced_answers_and_leaves_nothing_behind(home: Path):
    port = free_port()
    words = [sys.executable, "-m", "whence", "up", "--port", str(port), "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    text = b""
    while not text.rstrip().endswith(b"}"):
        text += process.stdout.readline()
    state = json.loads(text)
    assert state == {
        "address": f"http://127.0.0.1:{port}",
        "ready": True,
        "home": str(home),
        "database": f"sqlite:///{home}/whence.db",
        "objects": f"{home}/objects",
        "keys": "none",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/readyz")
    assert connection.getresponse().status == 200
    connection.close()
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 2
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert psutil.wait_procs(children, 1)[1] == []
    assert all(json.loads(line)["process"] for line in log.splitlines())
