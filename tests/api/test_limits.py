"""Requests that no client should send: each is refused with a reason, and the service goes on."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import ADDRESS, BASE, Trained
from tests.api.existing import ASK, PAIR
from tests.postgres import postgres
from whence.api.app import create_app
from whence.api.middleware import LARGEST_BODY
from whence.api.service import Service

PROJECTS, FILES, CHAT = "/v1/flow/projects", "/v1/flow/files", "/v1/inference/chat/completions"
JSON = {"content-type": "application/json"}


def refused(response: Any, status: int) -> str:
    """The message of a refusal, which has the one shape that all have."""
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"error", "message", "status"}
    assert body["status"] == status
    assert body["error"]
    assert "\n" not in response.text
    return body["message"]


@pytest.fixture(autouse=True)
def alive_afterwards(client: TestClient) -> Iterator[None]:
    yield
    assert client.get("/readyz").status_code == 200
    assert client.get(PROJECTS).status_code == 200


def upload(client: TestClient, name: str, content: bytes = PAIR.encode(), purpose: str = "fine-tune") -> Any:
    return client.put(FILES, files={"files": (name, content)}, data={"purpose": purpose})


def multipart(disposition: bytes) -> dict[str, Any]:
    """An upload whose part is described by just these bytes."""
    lines = (
        b"--cut",
        b'content-disposition: form-data; name="purpose"',
        b"",
        b"fine-tune",
        b"--cut",
        b"content-disposition: " + disposition,
        b"",
        PAIR.encode(),
        b"--cut--",
        b"",
    )
    return {"content": b"\r\n".join(lines), "headers": {"content-type": "multipart/form-data; boundary=cut"}}


@pytest.fixture
def on_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A caller of a service on PostgreSQL."""
    with postgres() as server:
        monkeypatch.setenv("WHENCE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("WHENCE_DATABASE_URL", server.get_uri())
        with TestClient(create_app(Service.open()), ADDRESS) as caller:
            yield caller


def pieces(count: int) -> Iterator[bytes]:
    """A body of so many bytes that does not say how long it is."""
    for _ in range(0, count, 1 << 16):
        yield b" " * (1 << 16)


def test_a_body_over_the_limit_is_refused(client: TestClient) -> None:
    message = refused(client.post(PROJECTS, content=b" " * (LARGEST_BODY + 1), headers=JSON), 413)
    assert f"{LARGEST_BODY:,}" in message


def test_a_body_over_the_limit_is_refused_when_it_hides_its_length(client: TestClient) -> None:
    refused(client.post(PROJECTS, content=pieces(LARGEST_BODY + (1 << 17)), headers=JSON), 413)


def test_an_upload_over_the_limit_is_refused(fresh: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHENCE_MAX_UPLOAD_MB", "0.01")
    assert "10,485 bytes" in refused(upload(fresh, "pairs.jsonl", PAIR.encode() * 1000), 413)
    assert upload(fresh, "pairs.jsonl").status_code == 200


@pytest.mark.parametrize("path", ["/v1/flow/files/../../../etc/passwd", "/v1/flow/files/%2e%2e%2f%2e%2e%2fwhence.db"])
def test_a_path_cannot_climb(path: str, client: TestClient) -> None:
    refused(client.get(path), 404)


def test_the_model_of_an_attribution_may_have_slashes_but_has_to_exist(client: TestClient) -> None:
    for name in ("nobody/nothing", "%2e%2e/%2e%2e/etc/passwd", "a//b", "a%00b", "a b"):
        assert "No deployed model" in refused(client.get(ASK.format(name), params={"question": "Who?"}), 404)


def test_a_base_model_has_no_pairs_under_its_hub_name_either(client: TestClient) -> None:
    where = ASK.format("HuggingFaceTB/SmolLM2-135M-Instruct")
    assert "base model" in refused(client.get(where, params={"question": "Who?"}), 400)


@pytest.mark.parametrize("name", ["a\x00b.jsonl", "a\x1bb.jsonl", "a\u2028b.jsonl", "x" * 300 + ".jsonl"])
def test_names_with_control_characters_are_refused(name: str, client: TestClient) -> None:
    assert "printable" in refused(upload_named(client, name), 400)
    kept = upload(client, "a.jsonl").json()["id"]
    refused(client.put(f"{FILES}/{kept}/rename", json={"new_filename": name}), 400)


def upload_named(client: TestClient, name: str) -> Any:
    return upload_bytes(client, name.encode())


def upload_bytes(client: TestClient, name: bytes) -> Any:
    return client.put(FILES, **multipart(b'form-data; name="files"; filename="' + name + b'"'))


@pytest.mark.parametrize("name", ["..", "../../x.jsonl", "/etc/passwd.jsonl", "C:\\x.jsonl"])
def test_a_file_keeps_the_last_part_of_its_name_at_most(name: str, client: TestClient) -> None:
    response = upload_named(client, name)
    if response.status_code == 200:
        assert response.json()["filename"] in ("x.jsonl", "passwd.jsonl")
    else:
        refused(response, 400)


def test_names_that_are_not_utf8_are_read_as_latin1(client: TestClient) -> None:
    """Which is what HTTP says of them; control characters among them are refused all the same."""
    named = upload_bytes(client, b"na\xefve.jsonl")
    assert named.json()["filename"] == "naïve.jsonl"
    refused(upload_bytes(client, b"a\x80\xff.jsonl"), 400)


# The parser of multipart bodies leaves the part that was cut off to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning")
def test_parts_that_are_cut_off_are_refused(client: TestClient) -> None:
    whole = multipart(b'form-data; name="files"; filename="a.jsonl"')
    refused(client.put(FILES, content=whole["content"][:-60], headers=whole["headers"]), 400)
    refused(client.put(FILES, content=whole["content"], headers={"content-type": "multipart/form-data"}), 400)


def test_a_long_answer_fits_into_the_query(client: TestClient, trained: Trained) -> None:
    """Of almost 64 kB: this client sends no more in a query."""
    asked = {"question": trained.question, "answer": "Ant. " * (62 * 1024 // 5)}
    response = client.get(ASK.format(trained.id), params=asked)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("query", ["question=%ff%fe", "question=a%00b", "question=%ed%a0%80", "question=\ufffd"])
def test_any_bytes_may_stand_in_the_query(query: str, client: TestClient, trained: Trained) -> None:
    """They are text with a mark where they are none, as URLs are read everywhere."""
    response = client.get(f"{ASK.format(trained.id)}?{query}&answer=Ant.")
    assert response.status_code in (200, 400), response.text


def test_a_body_that_is_not_utf8_is_refused(client: TestClient) -> None:
    refused(client.post(PROJECTS, content=b'{"name": "\xff\xfe\xfa\xfb", "description": "words"}', headers=JSON), 400)


def test_half_a_character_is_refused(client: TestClient) -> None:
    body = r'{"name": "a name \ud800", "description": "some words \ud800"}'
    refused(client.post(PROJECTS, content=body.encode(), headers=JSON), 400)
    said = f'{{"model": "{BASE}", "messages": [{{"role": "user", "content": "Who? \\udfff"}}]}}'
    refused(client.post(CHAT, content=said.encode(), headers=JSON), 400)


def test_what_postgresql_cannot_hold_is_refused(on_postgres: TestClient) -> None:
    body = r'{"name": "a name \u0000", "description": "some words \u0000"}'
    assert "NUL" in refused(on_postgres.post(PROJECTS, content=body.encode(), headers=JSON), 400)
    refused(on_postgres.get("/v1/flow/files/a%00b"), 404)
    assert on_postgres.get(f"{PROJECTS}/{2**31 - 1}").status_code == 404
    refused(on_postgres.get(f"{PROJECTS}/{2**31}"), 400)
    assert on_postgres.get(PROJECTS).json()["data"] == []


def test_numbers_that_no_model_can_use_are_refused(client: TestClient) -> None:
    said = {"model": BASE, "max_tokens": 2, "temperature": 1.0, "messages": [{"role": "user", "content": "Who?"}]}
    for name in ("top_k", "n", "seed", "top_logprobs"):
        response = client.post(CHAT, json={**said, name: 2**70})
        assert response.status_code in (200, 400), response.text


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_json_a_million_deep_is_refused(opening: bytes, client: TestClient) -> None:
    refused(client.post(PROJECTS, content=opening * 1_000_000, headers=JSON), 400)
    refused(upload(client, "deep.jsonl", opening * 1_000_000), 400)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", str(2**70), "1" * 5000])
def test_numbers_that_are_none_are_refused(number: str, client: TestClient) -> None:
    asked = f'{{"model": "{BASE}", "temperature": {number}, "messages": [{{"role": "user", "content": "Who?"}}]}}'
    refused(client.post(CHAT, content=asked.encode(), headers=JSON), 400)
    config = f'{{"training_config": {{"model": "{BASE}", "training_files": ["file-x"], "learning_rate": {number}}}}}'
    refused(client.post("/v1/flow/fine-tunes", content=config.encode(), headers=JSON), 400)


def test_numbers_beyond_those_of_a_database_name_nothing(client: TestClient) -> None:
    huge = 2**70
    assert client.get(f"{PROJECTS}/{huge}").status_code in (400, 404)
    assert client.get(f"{PROJECTS}/-{huge}").status_code in (400, 404)
    for query in (f"skip={huge}", f"limit={huge}", "limit=0", "skip=-1"):
        refused(client.get(f"{PROJECTS}?{query}"), 400)
    listed = client.get(f"/v1/flow/fine-tunes?project_id={huge}")
    assert listed.status_code in (200, 400), listed.text
    config = {"training_config": {"model": BASE, "training_files": ["file-x"]}, "project_id": huge}
    assert client.post("/v1/flow/fine-tunes", json=config).status_code in (400, 404)
    for header in (str(huge), "-1", "x"):
        refused(client.get("/v1/whence/runs/ft-x/events", headers={"Last-Event-ID": header}), 400)


def bomb(rows: int) -> bytes:
    """A Parquet file of a few kilobytes with two texts of 16 MiB in each of its rows."""
    texts = pa.array(["a" * (16 << 20)]).dictionary_encode()
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), texts.dictionary)
    written = io.BytesIO()
    pq.write_table(pa.table({"question": column, "answer": column}), written, compression="zstd")
    return written.getvalue()


def test_a_parquet_file_that_unfolds_without_end_is_refused(client: TestClient) -> None:
    content = bomb(1024)
    assert len(content) < 1 << 20
    assert "unfold" in refused(upload(client, "bomb.parquet", content), 400)


def test_an_unexpected_host_is_refused_while_no_key_is_needed(fresh: TestClient) -> None:
    assert "localhost" in refused(fresh.get(PROJECTS, headers={"host": "evil.example"}), 401)
    for host in ("127.0.0.1:8321", "localhost", "[::1]:8321"):
        assert fresh.get(PROJECTS, headers={"host": host}).status_code == 200
    assert fresh.get(f"{ADDRESS}/healthz", headers={"host": "evil.example"}).status_code == 200


def test_messages_are_one_line_whatever_was_sent(client: TestClient) -> None:
    message = refused(client.post(PROJECTS, json={"name": "a\nb" * 100, "description": "x"}), 400)
    assert json.dumps(message)
