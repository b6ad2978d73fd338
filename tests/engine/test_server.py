"""An engine over its socket, beside the library in this process."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import torch
from transformers import BertConfig, BertModel

from tests.engine.conftest import LONG, QUESTION, SECRET, Running, running
from tests.engine.waiting import until
from tests.tiny import VOCABULARY, save_tiny, tiny_tokenizer
from whence.context.attribute import attribute_context
from whence.models.adapter import seeded
from whence.models.base import load_tokenizer
from whence.models.stream import Sampling, prompt_tokens, stream_answer
from whence.pipeline import Index, attribute
from whence.training.run import Run, load_base
from whence.types import Message

pytestmark = pytest.mark.process

GREEDY = {"temperature": 0.0, "max_new_tokens": 12}
ROUTES = ("load", "chat", "attribute", "context", "embed")


def said(pieces: list[Any]) -> str:
    return "".join(piece.get("text", "") for piece in pieces)


def alone(index: Index, **settings: Any) -> dict[str, Any]:
    """What the library says of an answer to the question."""
    return attribute(index, QUESTION, **settings).to_dict()


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Fail unless two attributions are equal, their numbers up to rounding."""
    assert [r["id"] for r in found["results"]] == [r["id"] for r in expected["results"]]
    assert found["answer"] == expected["answer"]
    for kind in ("results", "opposing"):
        for one, other in zip(found[kind], expected[kind], strict=True):
            assert one["influence_level"] == other["influence_level"]
            assert [one[name] for name in ("score", "share", "p_value")] == pytest.approx(
                [other[name] for name in ("score", "share", "p_value")], rel=1e-3, abs=1e-6
            )
    assert found["lift"] == pytest.approx(expected["lift"], rel=1e-3, abs=1e-5)
    assert found["trust"] == expected["trust"]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1]])
def test_without_the_secret_nothing_is_answered(engine: Running, secret: str | None):
    headers = {} if secret is None else {"x-whence-secret": secret}
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(engine.socket)), base_url="http://engine") as stranger:
        found = [stranger.post(f"/{route}", json={}, headers=headers).status_code for route in ROUTES]
        found.append(stranger.get("/status", headers=headers).status_code)
    assert found == [403] * 6


def test_only_its_owner_can_open_the_socket(engine: Running):
    assert engine.socket.stat().st_mode & 0o077 == 0


def test_the_model_is_loaded_when_it_is_first_needed(base: Path, tmp_path: Path):
    with running(tmp_path, "base", base) as fresh:
        expected = {"kind": "base", "place": str(base), "loaded": False}
        assert fresh.client.get("/status").json() == expected
        fresh.post("load")
        assert fresh.client.get("/status").json() == {**expected, "loaded": True}


def test_an_answer_comes_in_the_pieces_that_the_library_makes(engine: Running, base: Path):
    model, tokenizer = load_base(base, full=False), load_tokenizer(base)
    conversation = [Message("user", QUESTION)]
    sampling = Sampling(temperature=0.0, max_new_tokens=12, top_logprobs=2)
    expected = list(stream_answer(model, tokenizer, conversation, sampling))
    *pieces, last = engine.chat(messages=[["user", QUESTION]], sampling={**GREEDY, "top_logprobs": 2})
    assert said(pieces) == "".join(piece.text for piece in expected)
    assert pieces[-1]["finish"] == expected[-1].finish
    told = [(t["text"], len(t["top"])) for piece in pieces for t in piece["tokens"]]
    assert told == [(t.text, len(t.top)) for piece in expected for t in piece.tokens]
    prompt, spoken = prompt_tokens(model, tokenizer, conversation), len(told)
    assert last["usage"] == {"prompt_tokens": prompt, "completion_tokens": spoken, "total_tokens": prompt + spoken}


def test_a_stop_string_ends_an_answer_and_is_not_part_of_it(engine: Running):
    whole = said(engine.chat(messages=[["user", QUESTION]], sampling={**GREEDY, "max_new_tokens": 40}))
    stop = whole[5:7]
    *pieces, _ = engine.chat(messages=[["user", QUESTION]], sampling={**GREEDY, "max_new_tokens": 40, "stop": [stop]})
    assert said(pieces) == whole[: whole.index(stop)]
    assert pieces[-1]["finish"] == "stop"


def test_an_attribution_is_the_librarys(engine: Running, runs: tuple[Run, Run], indexes: tuple[Index, Index]):
    found = engine.attribute(runs[0], answer="Ant.")
    same(found, alone(indexes[0], answer="Ant."))
    assert found["sentence"] == attribute(indexes[0], QUESTION, "Ant.").sentence
    assert set(found["phases"]) == {"attribute"}


def test_an_answer_that_is_not_given_is_the_models_own(
    engine: Running, runs: tuple[Run, Run], indexes: tuple[Index, Index]
):
    found = engine.attribute(runs[0], max_new_tokens=8)
    same(found, alone(indexes[0], max_new_tokens=8))
    assert found["generated"]
    assert set(found["phases"]) == {"generate", "attribute"}


def test_settings_of_an_attribution_arrive(engine: Running, runs: tuple[Run, Run], indexes: tuple[Index, Index]):
    settings = {"answer": "Ant. And a bee.", "system_prompt": "Be short.", "false_discovery_rate": 0.5}
    found = engine.attribute(runs[0], selection=[0, 4], top_k=2, **settings)
    same(found, alone(indexes[0], selection=(0, 4), top=2, **settings))
    assert found["selection"] == [0, 4]
    assert found["trust"]["false_discovery_rate"] == 0.5


def test_runs_that_take_turns_give_what_each_gives_alone(
    engine: Running, runs: tuple[Run, Run], indexes: tuple[Index, Index]
):
    expected = [alone(index, answer="Bee.") for index in indexes]
    chat: dict[str, Any] = {"messages": [["user", QUESTION]], "sampling": GREEDY}
    by_itself = said(engine.chat(**chat))
    tuned = [said(engine.chat(**chat, run=str(run.folder))) for run in runs]
    assert len({by_itself, *tuned}) == 3
    for turn in (0, 1, 1, 0, 1, 0):
        run = str(runs[turn].folder)
        same(engine.attribute(runs[turn], answer="Bee."), expected[turn])
        assert said(engine.chat(**chat, run=run)) == tuned[turn]
        assert said(engine.chat(**chat)) == by_itself


def test_requests_at_once_do_not_mix(engine: Running, runs: tuple[Run, Run]):
    bodies: list[dict[str, Any]] = [{"run": run} for run in (None, str(runs[0].folder), str(runs[1].folder))]

    def ask(body: dict[str, Any]) -> str:
        return said(engine.chat(messages=[["user", QUESTION]], sampling=GREEDY, **body))

    one_by_one = [ask(body) for body in bodies]
    with ThreadPoolExecutor(9) as threads:
        assert list(threads.map(ask, 3 * bodies)) == 3 * one_by_one


def test_parts_of_a_context_are_traced_as_by_the_library(engine: Running, base: Path):
    context = "The red box is home to an ant. The blue box is home to a bee. The lid is open."
    found = engine.post("context", context=context, query="Who is in it?", response="An ant is in it.", ablations=32)
    expected = attribute_context(
        load_base(base, full=False),
        load_tokenizer(base),
        context,
        "Who is in it?",
        "An ant is in it.",
        granularity="sentence",
        top_k=5,
        ablations=32,
    ).to_dict()
    assert json.dumps(rounded(found)) == json.dumps(rounded(json.loads(json.dumps(expected))))


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 3) + 0.0 if isinstance(value, float) else value


@pytest.mark.parametrize(
    ("route", "body", "status", "kind"),
    [
        ("chat", {"messages": [["user", "Q?"]], "sampling": {"temperature": -1}}, 400, "ModelError"),
        ("chat", {"messages": [["user", "Q?"]], "sampling": {}, "run": "/nowhere"}, 409, "ArtifactError"),
        ("attribute", {"run": "/nowhere", "request": {"question": "Q?"}}, 409, "ArtifactError"),
        ("chat", {"words": "no order"}, 500, "Unexpected"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(
    engine: Running, route: str, body: dict[str, Any], status: int, kind: str
):
    response = engine.client.post(f"/{route}", json=body)
    assert (response.status_code, response.json()["kind"]) == (status, kind)
    assert response.json()["message"]
    assert said(engine.chat(messages=[["user", QUESTION]], sampling=GREEDY))


def test_a_refusal_leaves_the_run_that_was_there(engine: Running, runs: tuple[Run, Run]):
    run = str(runs[0].folder)
    before = said(engine.chat(messages=[["user", QUESTION]], sampling=GREEDY, run=run))
    assert engine.client.post("/load", json={"run": "/nowhere"}).status_code == 409
    assert said(engine.chat(messages=[["user", QUESTION]], sampling=GREEDY, run=run)) == before
    assert said(engine.chat(messages=[["user", QUESTION]], sampling=GREEDY)) != before


def test_generation_stops_when_nobody_listens(engine: Running):
    def ask(tokens: int) -> tuple[int, float]:
        began = time.monotonic()
        pieces = engine.chat(messages=[["user", QUESTION]], sampling={"temperature": 0.0, "max_new_tokens": tokens})
        return pieces[-1]["usage"]["completion_tokens"], time.monotonic() - began

    spoken, seconds = ask(LONG // 10)
    assert spoken == LONG // 10  # it would go on for longer
    order = {"messages": [["user", QUESTION]], "sampling": {"temperature": 0.0, "max_new_tokens": LONG // 2}}
    with engine.client.stream("POST", "/chat", json=order) as response:
        next(response.iter_lines())
    assert ask(1)[1] < seconds / 2


PARENT = """
import sys, time
from whence import child_process
print(child_process.spawn("whence.engine.server", sys.argv[1:], {"WHENCE_ENGINE_SECRET": "s"}).pid, flush=True)
time.sleep(600)
"""


def test_an_engine_ends_with_its_parent(base: Path, tmp_path: Path):
    socket = tmp_path / "s"
    words = [sys.executable, "-c", PARENT, str(socket), "base", str(base)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        try:
            until(socket.exists)
        finally:
            parent.kill()
    child.wait(5)


def test_a_model_that_cannot_be_loaded_is_told_to_each_caller(tmp_path: Path):
    damaged = save_tiny(tmp_path / "damaged")
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with running(tmp_path, "base", damaged) as engine:
        for _ in range(2):
            response = engine.client.post("/load", json={})
            assert (response.status_code, response.json()["kind"]) == (400, "ModelError")
            assert "must be whole" in response.json()["message"]


@pytest.fixture
def encoder(tmp_path: Path) -> Iterator[Running]:
    """An engine with a tiny sentence encoder."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    with seeded(0):
        BertModel(BertConfig(vocab_size=VOCABULARY, **sizes)).save_pretrained(tmp_path / "encoder")
    tiny_tokenizer().save_pretrained(tmp_path / "encoder")
    with running(tmp_path, "embed", tmp_path / "encoder") as engine:
        yield engine


def test_texts_become_unit_vectors(encoder: Running):
    vectors = torch.tensor(encoder.post("embed", texts=["An ant.", "A bee.", "An ant."]))
    assert vectors.shape == (3, 16)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(vectors[0], vectors[2], atol=1e-6)
    assert encoder.post("embed", texts=[]) == []
    assert encoder.post("load") == {"loaded": True}
