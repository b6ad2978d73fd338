"""Routes in Whence's own words, for its SDK, its pages and programs that want all of what is known."""

from fastapi import APIRouter

from whence.api.routes.native import (
    attributions,
    charts,
    checking,
    costs,
    demo,
    insights,
    keys,
    methods,
    overview,
    pairs,
    report,
    revisions,
    runs,
    verbatim,
)


def routers() -> list[APIRouter]:
    """All routers."""
    rooms = (
        overview,
        demo,
        checking,
        revisions,
        attributions,
        verbatim,
        charts,
        report,
        pairs,
        runs,
        insights,
        costs,
        methods,
        keys,
    )
    return [room.router for room in rooms]
