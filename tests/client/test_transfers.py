"""Files to and from the server: what a multipart body holds, and that a download is whole or not there."""

import asyncio
import re
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path

import httpx
import pytest

from tests.client.service import Chunks, refusal, serving
from tests.client.shapes import FILE
from whence.client import ConnectionFailed, InvalidCall, NotFound
from whence.types import Progress


def parts(request: httpx.Request) -> list[tuple[str | None, str | None, bytes]]:
    """Field, file name and content of each part, read by the standard library."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.content)
    return [
        (part.get_param("name", header="content-disposition"), part.get_filename(), part.get_payload(decode=True))
        for part in message.iter_parts()  # type: ignore[attr-defined]
    ]


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    path = tmp_path / "faq ä.jsonl"
    path.write_bytes(bytes(range(32, 127)) * 3000)
    return path


def test_an_upload_has_a_purpose_and_one_file(faq: Path):
    service = serving(FILE)
    with service.client() as client:
        sent = client.files.upload(faq)
    assert (sent.id, sent.filename, sent.examples) == ("file-1", "faq.jsonl", 154)
    request = service.request
    assert (request.method, request.url.path) == ("PUT", "/v1/flow/files")
    (purpose, file) = parts(request)
    assert purpose == ("purpose", None, b"fine-tune")
    assert (file[0], file[2]) == ("files", faq.read_bytes())
    assert "faq" in (file[1] or "")
    assert int(request.headers["content-length"]) == len(request.content)


def test_a_check_sends_the_file_and_keeps_nothing(faq: Path):
    told = {"object": "check", "filename": "faq ä.jsonl", "lines": 2, "pairs": 1, "problems": [{"line": 2}]}
    service = serving({**told, "problems_total": 1, "duplicates": [], "sample": [{"id": "pair-1", "line": 1}]})
    with service.client() as client:
        found = client.files.check(faq)
    assert (service.request.method, service.request.url.path) == ("POST", "/v1/whence/files/check")
    assert parts(service.request)[-1][2] == faq.read_bytes()
    assert (found.pairs, found.problems, found.sample[0].id) == (1, ({"line": 2},), "pair-1")
    assert repr(found) == "<FileCheck faq ä.jsonl: 1 pairs, 1 problems>"


def test_the_async_client_uploads_the_same(faq: Path):
    one, other = serving([FILE]), serving([FILE])
    with one.client() as client:
        client.files.bulk_upload([faq, faq])

    async def upload() -> int:
        async with other.async_client() as client:
            return len(await client.files.bulk_upload([faq, faq]))

    assert asyncio.run(upload()) == 1
    assert parts(one.request) == parts(other.request)


def test_many_files_go_in_one_request_in_order(faq: Path, tmp_path: Path):
    (tmp_path / "b.jsonl").write_text("b")
    service = serving([FILE, FILE])
    with service.client() as client:
        assert [info.id for info in client.files.bulk_upload([tmp_path / "b.jsonl", faq])] == ["file-1", "file-1"]
    assert service.request.url.path == "/v1/flow/bulk_files"
    assert [content for _, _, content in parts(service.request)] == [b"fine-tune", b"b", faq.read_bytes()]


def test_the_bytes_that_are_sent_are_reported(faq: Path):
    told: list[Progress] = []
    with serving(FILE).client() as client:
        client.files.upload(faq, progress=told.append)
    size = faq.stat().st_size
    done = [progress.done for progress in told]
    assert len(done) > 2
    assert done == sorted(done)
    assert (done[-1], {progress.total for progress in told}) == (size, {size})


def test_a_bar_is_drawn_and_taken_away_without_a_terminal_too(faq: Path, capsys: pytest.CaptureFixture[str]):
    with serving(FILE).client() as client:
        client.files.upload(faq, progress=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("path", ["nothing.jsonl", "."])
def test_only_a_file_can_be_uploaded(path: str, tmp_path: Path):
    service = serving(FILE)
    with service.client() as client, pytest.raises(InvalidCall, match=re.escape(str(tmp_path / path))):
        client.files.upload(tmp_path / path)
    assert service.requests == []


def test_a_download_is_written_to_its_file(tmp_path: Path):
    service = serving(httpx.Response(200, stream=Chunks([b"pairs ", b"and more"])))
    with service.client() as client:
        assert client.files.content("file-1", tmp_path / "out.jsonl") == tmp_path / "out.jsonl"
    assert (tmp_path / "out.jsonl").read_bytes() == b"pairs and more"
    assert service.request.url.path == "/v1/flow/files/file-1/content"


def test_the_async_client_writes_the_same(tmp_path: Path):
    service = serving(httpx.Response(200, stream=Chunks([b"a,b\n", b"1,2\n"])))

    async def export() -> Path:
        async with service.async_client() as client:
            return await client.attributions.export(tmp_path / "all.csv", format="csv", model="m")

    assert asyncio.run(export()).read_bytes() == b"a,b\n1,2\n"
    assert service.request.url.raw_path == b"/v1/whence/attributions/export?format=csv&model=m"


def test_the_page_of_an_attribution_is_a_download(tmp_path: Path):
    service = serving(httpx.Response(200, stream=Chunks([b"<!doctype html>"])))
    with service.client() as client:
        assert client.attributions.report("attribution/1", tmp_path / "why.html").read_bytes() == b"<!doctype html>"
    assert service.request.url.raw_path == b"/v1/whence/attributions/attribution%2F1/report"


def test_a_download_that_breaks_off_is_begun_again(tmp_path: Path):
    broken = httpx.Response(200, stream=Chunks([b"first", httpx.ReadError("reset")]))
    with serving(broken, httpx.Response(200, stream=Chunks([b"second"]))).client() as client:
        client.files.content("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"second"


def test_a_download_that_fails_leaves_nothing_and_keeps_what_was_there(tmp_path: Path):
    (tmp_path / "out").write_text("before")
    broken = httpx.Response(200, stream=Chunks([b"first", httpx.ReadError("reset")]))
    with serving(broken).client() as client, pytest.raises(ConnectionFailed):
        client.files.content("file-1", tmp_path / "out")
    with serving(refusal(404)).client() as client, pytest.raises(NotFound):
        client.files.content("file-1", tmp_path / "out")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


@pytest.mark.parametrize("out", [".", "missing/out"])
def test_a_download_needs_a_file_in_a_folder_that_exists(out: str, tmp_path: Path):
    service = serving({})
    with service.client() as client, pytest.raises(InvalidCall, match="folder that exists"):
        client.files.content("file-1", tmp_path / out)
    assert service.requests == []
