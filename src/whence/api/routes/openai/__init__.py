"""Routes in OpenAI's words, for its official client."""

from fastapi import APIRouter

from whence.api.routes.openai import chat, embeddings, files, fine_tuning, models


def routers() -> list[APIRouter]:
    """All routers."""
    return [room.router for room in (models, files, fine_tuning, chat, embeddings)]
