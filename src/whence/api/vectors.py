"""Sentence vectors of texts, as every dialect gives them."""

from whence.api.service import Service
from whence.engine.messages import EmbedRequest
from whence.engine.pool import Target
from whence.errors import DataError
from whence.platform.models import CatalogModel, find_model


def encoder(model: str) -> CatalogModel:
    """The encoder of that name.

    Raises:
        DataError: the model is not an embedding model.
    """
    offer = find_model(model)
    if offer is None or offer.kind != "embedding":
        raise DataError(f"{model[:100]!r} is not an embedding model. Use all-minilm-l6-v2.")
    return offer


async def vectors(service: Service, offer: CatalogModel, texts: list[str]) -> list[list[float]]:
    """One vector per text, in order.

    Raises:
        DataError: a text is empty.
    """
    if not all(text.strip() for text in texts):
        raise DataError("An input must not be empty. Write its text, or leave it out.")
    return await service.engines.ask(Target("embed", offer.place), EmbedRequest(tuple(texts)))
