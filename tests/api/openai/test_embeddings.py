"""Sentence vectors, as OpenAI's client asks for them: as base64 unless told otherwise."""

import base64

import numpy as np
import pytest
from fastapi.testclient import TestClient
from openai import BadRequestError, OpenAI

from tests.api.conftest import BASE
from whence.methods import embedding
from whence.methods.embedding import Embedding, encoder
from whence.platform.models import EMBEDDING

TEXTS = ["Who lives in the red box?", "Where the naïve café is: 道.", "a long one " * 200]


def test_the_vectors_are_the_encoders(official: OpenAI):
    answered = official.embeddings.create(model=EMBEDDING, input=TEXTS)
    assert (answered.object, answered.model) == ("list", EMBEDDING)
    assert [(one.object, one.index) for one in answered.data] == [("embedding", 0), ("embedding", 1), ("embedding", 2)]
    found = np.array([one.embedding for one in answered.data])
    assert found == pytest.approx(Embedding().vectors(TEXTS).numpy(), abs=1e-5)


def test_base64_holds_the_same_numbers_as_floats(official: OpenAI, client: TestClient):
    plain = official.embeddings.create(model=EMBEDDING, input=TEXTS[0], encoding_format="float").data[0].embedding
    asked = {"model": EMBEDDING, "input": TEXTS[0], "encoding_format": "base64"}
    packed = client.post("/v1/embeddings", json=asked).json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(packed), "<f4").tolist() == plain
    assert official.embeddings.create(model=EMBEDDING, input=TEXTS[0]).data[0].embedding == plain


def test_usage_counts_the_tokens_that_the_encoder_reads(official: OpenAI):
    tokenizer, _ = encoder(EMBEDDING)
    read = tokenizer(TEXTS, truncation=True, max_length=embedding.LONGEST)["input_ids"]
    assert len(read[2]) == embedding.LONGEST
    usage = official.embeddings.create(model=EMBEDDING, input=TEXTS).usage
    assert usage.prompt_tokens == usage.total_tokens == sum(len(ids) for ids in read)


def test_the_one_size_there_is_may_be_asked_for(official: OpenAI):
    answered = official.embeddings.create(model=EMBEDDING, input=TEXTS[0], dimensions=384)
    assert len(answered.data[0].embedding) == 384
    with pytest.raises(BadRequestError, match=r"dimensions must be 384 \(found 128\)"):
        official.embeddings.create(model=EMBEDDING, input=TEXTS[0], dimensions=128)


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]])
def test_tokens_are_refused(official: OpenAI, tokens: list[int]):
    with pytest.raises(BadRequestError, match="not of tokens"):
        official.embeddings.create(model=EMBEDDING, input=tokens)


@pytest.mark.parametrize(("text", "model"), [("", EMBEDDING), (["one", " "], EMBEDDING), ("one", BASE), ("one", "x")])
def test_what_has_no_vector_is_refused(official: OpenAI, text: str, model: str):
    with pytest.raises(BadRequestError):
        official.embeddings.create(model=model, input=text)


def test_no_text_is_refused(official: OpenAI):
    with pytest.raises(BadRequestError, match="input"):
        official.embeddings.create(model=EMBEDDING, input=[])
