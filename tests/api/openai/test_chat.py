"""Chat completions, as OpenAI's client asks for them and reads them."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openai import APIError, BadRequestError, NotFoundError, OpenAI
from openai.types.chat import ChatCompletion

from tests.api.conftest import BASE, Trained
from whence.api.routes.openai.chat import likelihood
from whence.models.stream import Chunk, Sampling, stream_answer
from whence.platform.jobs import run_of
from whence.training.run import Run
from whence.types import Message

PATH = "/v1/chat/completions"
SHORT: dict[str, Any] = {"temperature": 0, "max_tokens": 6}


def asking(trained: Trained, **more: Any) -> dict[str, Any]:
    return {"model": trained.id, "messages": [{"role": "user", "content": trained.question}], **SHORT, **more}


def spoken(trained: Trained, sampling: Sampling) -> list[Chunk]:
    """The answer without the service between."""
    path = Run.open(run_of(trained.id)).trajectory
    path.move_to(path.last)
    return list(stream_answer(path.model, path.tokenizer, [Message("user", trained.question)], sampling))


def events_in(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def texts(answered: ChatCompletion) -> list[str | None]:
    return [choice.message.content for choice in answered.choices]


def test_the_answer_is_that_of_the_fine_tuned_model(official: OpenAI, trained: Trained):
    own = spoken(trained, Sampling(max_new_tokens=6, temperature=0, top_logprobs=2))
    answered = official.chat.completions.create(**asking(trained, logprobs=True, top_logprobs=2))
    (choice,) = answered.choices
    assert choice.message.content == "".join(piece.text for piece in own)
    assert choice.message.content.startswith(trained.answer)
    assert choice.finish_reason == own[-1].finish == "length"
    assert choice.logprobs
    assert choice.logprobs.content
    tokens = [token for piece in own for token in piece.tokens]
    assert [one.token for one in choice.logprobs.content] == [token.text for token in tokens]
    assert [one.logprob for one in choice.logprobs.content] == pytest.approx([t.logprob for t in tokens], abs=1e-3)
    for one, token in zip(choice.logprobs.content, tokens, strict=True):
        assert [(top.token, top.logprob) for top in one.top_logprobs] == [
            (text, pytest.approx(logprob, abs=1e-3)) for text, logprob in token.top
        ]


def test_a_whole_answer_has_the_keys_of_openais(client: TestClient, trained: Trained):
    answer = client.post(PATH, json=asking(trained)).json()
    (choice,) = answer["choices"]
    assert set(answer) == {"id", "object", "created", "model", "choices", "usage", "system_fingerprint"}
    assert (answer["object"], answer["model"], answer["system_fingerprint"]) == ("chat.completion", trained.id, None)
    assert set(choice) == {"index", "message", "logprobs", "finish_reason"}
    assert choice["message"] == {"role": "assistant", "content": choice["message"]["content"], "refusal": None}
    assert choice["logprobs"] is None


def test_usage_counts_the_tokens_read_and_drawn(official: OpenAI, trained: Trained):
    usage = official.chat.completions.create(**asking(trained)).usage
    assert usage
    # The tiny tokenizer has a token for each byte, and one for each mark of its template, here written as ^.
    assert usage.prompt_tokens == len(f"^user\n{trained.question}^\n^assistant\n")
    assert (usage.completion_tokens, usage.total_tokens) == (6, usage.prompt_tokens + 6)


def test_a_stream_begins_with_the_role_and_ends_with_the_reason(client: TestClient, trained: Trained):
    first, *middle, last = events_in(client.post(PATH, json=asking(trained, stream=True)).text)
    assert first["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": "", "refusal": None},
            "logprobs": None,
            "finish_reason": None,
        }
    ]
    assert all(set(chunk["choices"][0]["delta"]) == {"content"} for chunk in middle)
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}]
    assert len({chunk["id"] for chunk in (first, *middle, last)}) == 1
    assert {chunk["object"] for chunk in (first, *middle, last)} == {"chat.completion.chunk"}


def test_the_chunks_make_up_the_whole_answer(official: OpenAI, trained: Trained):
    asked = asking(trained, logprobs=True, top_logprobs=1)
    whole = official.chat.completions.create(**asked).choices[0]
    chunks = [chunk.choices[0] for chunk in official.chat.completions.create(**asked, stream=True)]
    assert "".join(choice.delta.content or "" for choice in chunks) == whole.message.content
    assert whole.logprobs
    told = [one for choice in chunks if choice.logprobs for one in choice.logprobs.content or []]
    assert told == whole.logprobs.content


def test_a_stream_tells_its_usage_only_when_asked(client: TestClient, official: OpenAI, trained: Trained):
    plain = events_in(client.post(PATH, json=asking(trained, stream=True)).text)
    assert all("usage" not in chunk for chunk in plain)
    counting = asking(trained, stream=True, stream_options={"include_usage": True})
    *chunks, last = events_in(client.post(PATH, json=counting).text)
    assert all(chunk["usage"] is None for chunk in chunks)
    whole = official.chat.completions.create(**asking(trained)).usage
    assert whole
    assert (last["choices"], last["usage"]) == ([], whole.model_dump(exclude_none=True))


def test_several_answers_are_those_of_seeds_in_a_row(official: OpenAI, trained: Trained):
    drawn = {"temperature": 1.5, "max_tokens": 8}
    single = [
        texts(official.chat.completions.create(**asking(trained, **drawn, seed=seed)))[0] for seed in (40, 41, 42)
    ]
    assert len(set(single)) == 3
    together = official.chat.completions.create(**asking(trained, **drawn, seed=40, n=3))
    assert texts(together) == single
    assert [choice.index for choice in together.choices] == [0, 1, 2]
    assert together.usage
    assert together.usage.completion_tokens == 24


def test_a_stream_may_hold_several_answers(official: OpenAI, trained: Trained):
    asked = asking(trained, temperature=1.5, seed=40, n=2)
    whole = official.chat.completions.create(**asked)
    found, usage = ["", ""], None
    for chunk in official.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            found[choice.index] += choice.delta.content or ""
    assert found == texts(whole)
    assert usage == whole.usage


def test_the_temperature_is_1_unless_given(official: OpenAI, trained: Trained):
    asked = asking(trained, seed=3, max_tokens=12)
    del asked["temperature"]
    plain = texts(official.chat.completions.create(**asked))
    assert plain == texts(official.chat.completions.create(**asked, temperature=1.0))
    assert plain != texts(official.chat.completions.create(**asked, temperature=0.7))


def test_a_stop_string_ends_the_answer_before_itself(official: OpenAI, trained: Trained):
    for stop in ("t.", ["zz", "t."]):
        (choice,) = official.chat.completions.create(**asking(trained, stop=stop)).choices
        assert (choice.message.content, choice.finish_reason) == ("An", "stop")


def test_the_newer_name_of_the_limit_goes_first(official: OpenAI, trained: Trained):
    usage = official.chat.completions.create(**asking(trained, max_completion_tokens=2)).usage
    assert usage
    assert usage.completion_tokens == 2


def test_a_base_model_answers_under_its_name(official: OpenAI, trained: Trained):
    tuned = texts(official.chat.completions.create(**asking(trained)))
    based = texts(official.chat.completions.create(**{**asking(trained), "model": BASE}))
    assert based != tuned


def test_content_may_come_in_parts(official: OpenAI, trained: Trained):
    parts = [{"type": "text", "text": piece} for piece in (trained.question[:5], trained.question[5:])]
    asked = {**asking(trained), "messages": [{"role": "user", "content": parts}]}
    assert texts(official.chat.completions.create(**asked)) == texts(
        official.chat.completions.create(**asking(trained))
    )


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_not_found(official: OpenAI, trained: Trained, stream: bool):
    with pytest.raises(NotFoundError, match="No deployed model 'nobody'") as error:
        official.chat.completions.create(**{**asking(trained), "model": "nobody"}, stream=stream)
    assert error.value.type == "not_found_error"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"tools": [{"type": "function", "function": {"name": "look"}}]}, "tools is not supported"),
        ({"response_format": {"type": "json_object"}}, "response_format other than text"),
        ({"top_logprobs": 2}, "top_logprobs needs logprobs"),
        ({"temperature": 3}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Yes."}]}, "must be the user's"),
        ({"stop": [""]}, "stop must"),
        ({"messages": [{"role": "user", "content": "x" * 600}]}, "must leave room"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_done_is_refused_before_anything_is_said(
    official: OpenAI, trained: Trained, more: dict[str, Any], message: str, stream: bool
):
    with pytest.raises(BadRequestError, match=message) as error:
        official.chat.completions.create(**{**asking(trained), **more}, stream=stream)
    assert error.value.type == "invalid_request_error"


def test_bytes_are_told_where_the_text_has_them():
    assert likelihood("é", -0.5) == {"token": "é", "logprob": -0.5, "bytes": [0xC3, 0xA9]}
    assert likelihood("\ufffd", -0.5)["bytes"] is None


class Breaking(BaseHTTPRequestHandler):
    """Answers with the first chunk of a stream, and hangs up."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        chunk = {"choices": [{"index": 0, "delta": {"content": "An"}, "finish_reason": None}]}
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A generation server that hangs up in the middle of every answer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Breaking) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("WHENCE_GENERATION_URL", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()


def test_an_answer_that_breaks_off_is_raised_as_an_error(official: OpenAI, trained: Trained, breaking: None):
    stream = official.chat.completions.create(**asking(trained, stream=True))
    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "An"]
    with pytest.raises(APIError, match="cannot be reached") as error:
        next(stream)
    assert error.value.type == "server_error"
