"""The base models that can be fine-tuned, and the encoder for embeddings."""

from fastapi import APIRouter

from whence.api.auth import Team
from whence.api.schemas.seekrflow import ModelAnswer, ModelList
from whence.platform.models import CatalogModel, offered_models

router = APIRouter(prefix="/flow/models", tags=["Models"])


def answer(offer: CatalogModel) -> ModelAnswer:
    """A model as an answer."""
    chats = offer.kind == "chat"
    return ModelAnswer(
        id=offer.id,
        name=offer.name,
        size=offer.bytes,
        bytes=offer.bytes,
        type="chat" if chats else "embedding",
        model_type="Chat" if chats else "Embedding",
        supports_lora=chats,
    )


@router.get("", summary="List base models", operation_id="list_base_models")
def listed(team: Team) -> ModelList:
    """The base models of this service."""
    return ModelList(data=[answer(offer) for offer in offered_models()])
