"""Answers of deployed models: asked of an engine, or of another server where one does the generating."""

import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from whence import settings
from whence.api import upstream
from whence.api.schemas.chat import ChatRequest
from whence.api.service import Service
from whence.engine import messages
from whence.platform.deployments import ServedModel, count_tokens

Piece = dict[str, Any]


async def pieces(
    service: Service, served: ServedModel, conversation: list[tuple[str, str]], sampling: dict[str, Any]
) -> AsyncIterator[Piece]:
    """One answer as it grows: pieces with `text`, `tokens` and `finish`, and at last one with `usage`."""
    if url := settings.generation_url():
        source = upstream.pieces(url, served.model, conversation, sampling)
    else:
        message = messages.ChatRequest(tuple(conversation), sampling, served.run)
        source = service.engines.stream(served.target, message)
    async for piece in source:
        if "usage" in piece and served.deployment_id is not None:
            await service.in_session(partial(_count, served.deployment_id, piece["usage"]))
        yield piece


def _count(deployment_id: str, usage: dict[str, int], session: Session) -> None:
    count_tokens(session, deployment_id, usage["prompt_tokens"], usage["completion_tokens"])


class Completion:
    """An answer that is complete."""

    def __init__(self) -> None:
        self.text, self.finish = "", "stop"
        self.tokens: list[dict[str, Any]] = []
        self.usage: dict[str, int] = {}

    def add(self, piece: Piece) -> None:
        """Take in one more piece."""
        if "usage" in piece:
            self.usage = piece["usage"]
            return
        self.text += piece["text"]
        self.tokens += piece["tokens"]
        self.finish = piece["finish"] or self.finish


async def whole(
    service: Service, served: ServedModel, conversation: list[tuple[str, str]], sampling: dict[str, Any]
) -> Completion:
    """One answer, when it is complete."""
    completion = Completion()
    async for piece in pieces(service, served, conversation, sampling):
        completion.add(piece)
    return completion


async def several(
    service: Service, served: ServedModel, asked: ChatRequest, sampling: dict[str, Any]
) -> list[Completion]:
    """As many answers as are asked for, one after the other."""
    return [await whole(service, served, asked.conversation(), own) for own in draws(asked, sampling)]


def draws(asked: ChatRequest, sampling: dict[str, Any]) -> list[dict[str, Any]]:
    """The sampling settings of each requested answer: with a seed, each has its own."""
    seeds = [None if asked.seed is None else asked.seed + number for number in range(asked.n or 1)]
    return [{**sampling, "seed": seed} for seed in seeds]


def total(answers: list[Completion]) -> dict[str, int]:
    """The usage of several answers: the prompt counts once."""
    prompt = answers[0].usage["prompt_tokens"]
    completion = sum(answer.usage["completion_tokens"] for answer in answers)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def envelope(kind: str, model: str) -> dict[str, Any]:
    """The fields common to every answer and every chunk of one."""
    return {"id": f"chatcmpl-{uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}
