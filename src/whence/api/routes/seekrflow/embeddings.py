"""Sentence vectors."""

from fastapi import APIRouter

from whence.api.access import Open, Team
from whence.api.schemas.seekrflow import Embeddings, EmbeddingVector, NewEmbeddings
from whence.api.service import Service
from whence.errors import DataError
from whence.platform.engines import Target
from whence.platform.models import find_offer

router = APIRouter(prefix="/inference/embeddings", tags=["Embeddings"])


@router.post("", summary="Turn texts into vectors", operation_id="seekrflow_embeddings")
async def create(body: NewEmbeddings, team: Team, service: Open) -> Embeddings:
    """One vector a text, in order."""
    return await embed(service, body)


async def embed(service: Service, body: NewEmbeddings) -> Embeddings:
    """The vectors of the texts of a request.

    Raises:
        DataError: the model makes no vectors, or a text is empty.
    """
    offer = find_offer(body.model)
    if offer is None or offer.kind != "embedding":
        raise DataError(f"{body.model[:100]!r} makes no vectors. Use all-minilm-l6-v2.")
    if body.encoding_format == "base64":
        raise DataError("encoding_format must be 'float' (found 'base64'). Change it.")
    texts = [body.input] if isinstance(body.input, str) else body.input
    if not all(text.strip() for text in texts):
        raise DataError("An input must not be empty. Write its text, or leave it out.")
    vectors = await service.engines.ask(Target("embed", offer.place), "embed", {"texts": texts})
    data = [EmbeddingVector(index=number, embedding=vector) for number, vector in enumerate(vectors)]
    return Embeddings(model=body.model, data=data)
