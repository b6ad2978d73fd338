"""Sentence vectors, as numbers or as base64."""

import base64
import struct
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from tokenizers import Tokenizer

from whence.api.auth import Open, Team
from whence.api.schemas.openai import NewVectors, Vector, Vectors
from whence.api.vectors import encoder, vectors
from whence.errors import DataError
from whence.platform.models import folder

router = APIRouter(prefix="/embeddings", tags=["OpenAI: embeddings"])
LONGEST = 256
"""Tokens of a text that the encoder reads, as in `whence.methods.embedding`, which would bring torch along."""


@router.post("", summary="Turn texts into vectors", operation_id="openai_embeddings")
async def create(body: NewVectors, team: Team, service: Open) -> Vectors:
    """One vector per text, in order."""
    offer, texts = encoder(body.model), texts_of(body)
    found = await vectors(service, offer, texts)
    if body.dimensions not in (None, len(found[0])):
        raise DataError(f"dimensions must be {len(found[0])} (found {body.dimensions}). Leave it out.")
    packed = body.encoding_format == "base64"
    data = [Vector(index=i, embedding=base64_of(vector) if packed else vector) for i, vector in enumerate(found)]
    count = await run_in_threadpool(tokens_in, texts, folder(offer.place))
    return Vectors(model=body.model, data=data, usage={"prompt_tokens": count, "total_tokens": count})


def texts_of(body: NewVectors) -> list[str]:
    """The texts of a request.

    Raises:
        DataError: an input is something else, such as a list of tokens.
    """
    given = [body.input] if isinstance(body.input, str) else body.input
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) < len(given):
        raise DataError("input must be a text or a list of texts, not of tokens. Send the texts.")
    return texts


def base64_of(vector: list[float]) -> str:
    """The base64 of the numbers as little-endian float32."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def tokens_in(texts: list[str], place: str) -> int:
    """The number of tokens that the encoder in the folder `place` reads of all texts."""
    return sum(len(encoding.ids) for encoding in tokenizer(place).encode_batch(texts))


@cache
def tokenizer(place: str) -> Tokenizer:
    """The tokenizer of an encoder, which cuts texts as the encoder does."""
    found = Tokenizer.from_file(str(Path(place) / "tokenizer.json"))
    found.no_padding()
    found.enable_truncation(LONGEST)
    return found
