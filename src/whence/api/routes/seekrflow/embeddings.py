"""Sentence vectors."""

from fastapi import APIRouter

from whence.api.auth import Open, Team
from whence.api.schemas.explainability import Embeddings, EmbeddingVector, NewEmbeddings
from whence.api.vectors import encoder, vectors
from whence.errors import DataError

router = APIRouter(prefix="/inference/embeddings", tags=["Embeddings"])


@router.post("", summary="Turn texts into vectors", operation_id="seekrflow_embeddings")
async def create(body: NewEmbeddings, team: Team, service: Open) -> Embeddings:
    """One vector per text, in order."""
    offer = encoder(body.model)
    if body.encoding_format == "base64":
        raise DataError("encoding_format must be 'float' (found 'base64'). Change it.")
    texts = [body.input] if isinstance(body.input, str) else body.input
    found = await vectors(service, offer, texts)
    data = [EmbeddingVector(index=number, embedding=vector) for number, vector in enumerate(found)]
    return Embeddings(model=body.model, data=data)
