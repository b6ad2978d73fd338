"""An attribution as a page: all that was kept, and the Python that makes it again."""

from html import unescape
from typing import Any

from fastapi.testclient import TestClient

from tests.api.conftest import Trained
from tests.api.native.test_attributions import ROOT, asked
from tests.figures.test_attribution import Reader
from tests.platform.attributions import keep, pair, result


def test_the_page_tells_what_was_kept_and_what_it_was_made_from(client: TestClient, trained: Trained):
    made = asked(client, trained, system_prompt="Be brief.", groups=["topic"], false_discovery_rate=0.5)
    response = client.get(f"{ROOT}/{made['id']}/report")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    read = Reader(response.text)
    assert read.open == []
    first = made["results"][0]
    for said in (
        trained.question,
        made["sentence"],
        f"{first['score']:.2f} nats",
        f"pairs.jsonl:{first['line']}",
        f"attribution {made['id']} made 20",
        f"model {trained.id} job {trained.id} system prompt Be brief.",
        f"file pairs.jsonl {trained.file_id}, sha256 ",
        "recipe base_model",
        "index method fisher, controls ",
        "versions of the run python 3.",
    ):
        assert said in read.text


def test_the_python_on_the_page_asks_for_the_same(client: TestClient, trained: Trained):
    answer = 'It\'s "x" \\ </pre>\nBee.'
    part = {"start": 0, "end": 4}
    made = asked(client, trained, answer=answer, system_prompt="Be brief.", selection=part, groups=["topic", "file"])
    text = client.get(f"{ROOT}/{made['id']}/report").text
    assert "</pre>" in text
    shown = unescape(text.partition("<h2>How to reproduce it</h2><pre>")[2].partition("</pre>")[0])
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    class Client:
        class explainability:  # noqa: N801
            @staticmethod
            def attribute(*given: Any, **named: Any) -> None:
                calls.append((given, named))

    code = shown.replace("import whence\n", "").replace("whence.Client()", "Client()")
    exec(code, {"Client": Client, "print": lambda _: None})
    ((given, named),) = calls
    assert given == (trained.id,)
    assert (named["question"], named["answer"], named["system_prompt"]) == (trained.question, answer, "Be brief.")
    assert (named["selection"], named["method"]) == ((0, 4), "fisher")
    assert set(named.get("groups", ())) <= {"topic", "file"}


def test_a_page_is_there_for_old_attributions_without_their_run(fresh: TestClient):
    with fresh.app.state.service.database.session() as session:
        (old,) = keep(session, {k: v for k, v in result(pair(1)).items() if k != "distribution"})
    read = Reader(fresh.get(f"{ROOT}/{old}/report").text)
    assert "run no longer there" in read.text
    assert "The scores of all" not in read.text
    assert fresh.get(f"{ROOT}/nobody/report").status_code == 404
