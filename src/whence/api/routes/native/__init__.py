"""Routes in Whence's own words, for its SDK, its pages and programs that want all of what is known."""

from fastapi import APIRouter

from whence.api.routes.native import attributions, demo, methods, overview, pairs, runs


def routers() -> list[APIRouter]:
    """All of them."""
    return [room.router for room in (overview, demo, attributions, pairs, runs, methods)]
