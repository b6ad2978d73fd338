import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import whence
from tests.client.service import serving
from tests.client.shapes import ATTRIBUTION, FILE, INFLUENTIAL, JOB, KEPT, MODEL, PAIR, PROJECT, page
from whence.client import InvalidCall, Job
from whence.types import Level, Message


def test_the_address_comes_from_the_argument_then_the_environment_then_is_this_machine(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("WHENCE_BASE_URL", raising=False)
    assert whence.Client().base_url == "http://127.0.0.1:8321"
    monkeypatch.setenv("WHENCE_BASE_URL", "https://whence.test/")
    assert whence.Client().base_url == whence.AsyncClient().base_url == "https://whence.test"
    assert whence.Client("http://other.test").base_url == "http://other.test"


@pytest.mark.parametrize("given", ["http://h", "http://h/", "http://h/v1", "http://h/v1/", "http://h//"])
def test_an_address_with_or_without_version_is_the_same(given: str):
    assert whence.Client(given).base_url == "http://h"


def test_an_address_below_a_path_is_kept():
    assert whence.Client("http://h/whence/v1").base_url == "http://h/whence"


@pytest.mark.parametrize("given", ["localhost:8321", "ftp://h", "http://", "http://a b"])
def test_an_address_must_be_one(given: str):
    with pytest.raises(InvalidCall, match="base_url must begin"):
        whence.Client(given)


def test_the_key_comes_from_the_argument_or_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHENCE_API_KEY", "from-environment")
    for given, sent in ((None, "from-environment"), ("given", "given")):
        service = serving(PROJECT)
        with service.client(api_key=given) as client:
            client.projects.retrieve(7)
        assert service.request.headers["authorization"] == f"Bearer {sent}"


def test_without_a_key_none_is_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WHENCE_API_KEY", raising=False)
    service = serving(PROJECT)
    with service.client(api_key=None) as client:
        client.projects.retrieve(7)
    assert "authorization" not in service.request.headers


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key: str):
    with pytest.raises(InvalidCall, match="printable ASCII") as error:
        whence.Client(api_key=key)
    assert key not in str(error.value)


def test_headers_of_ones_own_are_sent_and_win():
    service = serving(PROJECT)
    with service.client(headers={"X-Team": "7", "User-Agent": "mine"}) as client:
        client.projects.retrieve(7)
    assert (service.request.headers["x-team"], service.request.headers["user-agent"]) == ("7", "mine")


def test_an_answer_has_long_a_connection_five_seconds():
    service = serving(PROJECT)
    with service.client() as client:
        client.projects.retrieve(7)
    assert service.request.extensions["timeout"] == {"connect": 5.0, "read": 600.0, "write": 600.0, "pool": 600.0}


def test_a_closed_client_sends_nothing():
    with serving(PROJECT).client() as client:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        client.projects.retrieve(7)


def test_the_client_shows_its_address_and_not_its_key():
    assert repr(whence.Client("http://h", "secret")) == "whence.Client('http://h')"


def test_it_is_quick_to_import():
    script = "import sys, whence; whence.Client(); print([m for m in sys.modules if '.' not in m])"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "httpx" in printed
    assert not {"torch", "numpy", "pydantic", "transformers", "sqlalchemy", "fastapi"} & set(eval(printed))


def test_unknown_keys_are_kept():
    with serving(FILE).client() as client:
        file = client.files.retrieve("file-1")
    assert file.extra == {"created_by": "somebody"}
    assert (file.created_at and file.created_at.isoformat(), file.bytes) == ("2026-01-02T03:04:05+00:00", 12345)


def test_a_list_without_counts_is_a_page_too():
    with serving({"data": [MODEL, MODEL]}).client() as client:
        models = client.models.list()
    assert ([model.id for model in models], len(models), models[1].supports_lora) == (["m", "m"], 2, True)
    assert (models.total, models.extra) == (None, {})


def test_a_page_knows_where_it_stands_in_the_list():
    with serving(page(PROJECT) | {"total": 40, "offset": 39, "next": "x"}).client() as client:
        projects = client.projects.list(39)
    assert (projects.total, projects.offset, projects.limit, projects.extra) == (40, 39, 100, {"next": "x"})


def test_a_job_prints_what_it_is_doing():
    assert repr(Job.of(JOB)) == "<Job ft-1: fine-tuning, 40%, 0:02:10 left, smollm2-135m-instruct>"
    queued = JOB | {"status": "queued", "place": 2, "progress": None, "seconds_left": None, "phase": None}
    assert repr(Job.of(queued)) == "<Job ft-1: queued, place 2, smollm2-135m-instruct>"
    failed = JOB | {"status": "failed", "error_analysis": "The disk is full."}
    assert repr(Job.of(failed)) == "<Job ft-1: failed, smollm2-135m-instruct, The disk is full.>"


def test_an_attribution_survives_the_wire():
    with serving(json.loads(json.dumps(KEPT))).client() as client:
        kept = client.explainability.attribute("deployment-1", "Which carrier?")
    assert kept.attribution == ATTRIBUTION
    assert (kept.id, kept.job_id, kept.phases["search"], kept.extra) == ("attribution-1", "ft-1", 0.1, {})
    assert str(kept) == str(ATTRIBUTION)
    assert "faq.jsonl:69" in str(kept)


def test_a_pair_that_recurs_says_how_often():
    reply = page(PAIR | {"count": 4, "level": "high", "share": 0.5})
    with serving(reply).client() as client:
        (pair,) = client.attributions.recurring()
    assert (pair.count, pair.level, pair.share, pair.extra) == (4, "high", 0.5, {})
    assert repr(pair) == "<Pair 0c0ffee0: faq.jsonl:69, behind 4 answers, 'Who?'>"


def test_influential_data_of_the_bare_contract_are_read():
    with serving(INFLUENTIAL).client() as client:
        data = client.explainability.get_influential_finetuning_data("deployment-1", "Who?")
    (pair,) = data.results
    assert (pair.level, pair.file, pair.line) == (Level.HIGH, "file-1", 0)
    assert pair.messages == (Message("user", "Who?"), Message("assistant", "Kestrix.\nYes."))
    assert pair.score != pair.score  # not a number: nobody said one


def test_a_server_in_the_same_process_can_be_asked(tmp_path: Path):
    """`transport` takes any of httpx': here one that runs a WSGI application."""

    def application(environ: dict[str, str], start: object) -> list[bytes]:
        start("200 OK", [("Content-Type", "application/json")])  # type: ignore[operator]
        return [json.dumps(PROJECT | {"name": environ["PATH_INFO"]}).encode()]

    with whence.Client("http://h/below", transport=httpx.WSGITransport(app=application)) as client:  # type: ignore[arg-type]
        assert client.projects.retrieve(7).name == "/below/v1/flow/projects/7"
