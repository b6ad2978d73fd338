"""Routes in SeekrFlow's words, for its official client."""

from fastapi import APIRouter

from whence.api.routes.seekrflow import (
    chat,
    deployments,
    embeddings,
    explainability,
    files,
    fine_tuning,
    models,
    projects,
)


def routers() -> list[APIRouter]:
    """All routers."""
    rooms = (projects, files, models, fine_tuning, deployments, chat, embeddings, explainability)
    return [room.router for room in rooms]
