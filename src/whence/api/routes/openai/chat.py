"""Chat completions, streamed and not."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter

from whence.api import completions, events
from whence.api.auth import Open, Team
from whence.api.errors import openai_error, status_of
from whence.api.schemas.chat import ChatRequest
from whence.api.schemas.openai import ChatCompletion
from whence.api.service import Service
from whence.errors import DataError, WhenceError
from whence.platform.deployments import ServedModel, served_model

router = APIRouter(prefix="/chat", tags=["OpenAI: chat"])
TEMPERATURE, LONGEST = 1.0, 512
UNKNOWN = "\ufffd"
"""Stands in a token's text for bytes that are a part of a character only."""


@router.post(
    "/completions",
    summary="Answer a conversation",
    operation_id="openai_chat",
    response_model=ChatCompletion,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def create(body: ChatRequest, team: Team, service: Open) -> Any:
    """The answer; with `stream`, as server-sent events."""
    if body.top_logprobs and not body.logprobs:
        raise DataError("top_logprobs needs logprobs to be true. Set it, or leave top_logprobs out.")
    sampling = body.sampling(TEMPERATURE, LONGEST)
    body.conversation()
    served = await service.in_session(lambda session: served_model(session, team, body.model))
    if body.stream:
        return await events.stream(with_loss(chunks(service, served, body, sampling)))
    answers = await completions.several(service, served, body, sampling)
    choices = [
        {
            "index": number,
            "message": {"role": "assistant", "content": completion.text, "refusal": None},
            "logprobs": logprobs(completion.tokens) if body.logprobs else None,
            "finish_reason": completion.finish,
        }
        for number, completion in enumerate(answers)
    ]
    return {
        **completions.envelope("chat.completion", body.model),
        "choices": choices,
        "usage": completions.total(answers),
    }


def logprobs(tokens: list[dict[str, Any]]) -> dict[str, Any]:
    """The tokens with their log-probabilities and the likeliest ones at their places."""
    content = [
        {**likelihood(token["text"], token["logprob"]), "top_logprobs": [likelihood(*one) for one in token["top"]]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def likelihood(text: str, logprob: float) -> dict[str, Any]:
    """A token with its log-probability; its bytes are not known where its text is no whole character."""
    return {"token": text, "logprob": logprob, "bytes": None if UNKNOWN in text else list(text.encode())}


async def chunks(
    service: Service, served: ServedModel, asked: ChatRequest, sampling: dict[str, Any]
) -> AsyncIterator[bytes]:
    """The answers as events, one answer after the other, and what they took if that is asked for."""
    counted = bool(asked.stream_options and asked.stream_options.include_usage)
    around = {**completions.envelope("chat.completion.chunk", asked.model), "system_fingerprint": None}
    around |= {"usage": None} if counted else {}
    answers: list[completions.Completion] = []
    for number, own in enumerate(completions.draws(asked, sampling)):
        answers.append(completions.Completion())
        delta: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
        async for piece in completions.pieces(service, served, asked.conversation(), own):
            if delta:  # only now, so that what is wrong with the request is not said in the middle of a stream
                yield events.data({**around, "choices": [choice(number, delta)]})
                delta = {}
            answers[-1].add(piece)
            for part in parts(piece, number, bool(asked.logprobs)):
                yield events.data({**around, "choices": [part]})
    if counted:
        yield events.data({**around, "choices": [], "usage": completions.total(answers)})
    yield events.DONE


def parts(piece: completions.Piece, number: int, with_logprobs: bool) -> list[dict[str, Any]]:
    """The choices that a chunk adds to an answer: its text with its tokens, then the finish reason if it has ended."""
    if "usage" in piece:
        return []
    told = logprobs(piece["tokens"]) if with_logprobs and piece["tokens"] else None
    text = [choice(number, {"content": piece["text"]}, told)] if piece["text"] or told else []
    return [*text, *([choice(number, {}, finish=piece["finish"])] if piece["finish"] else [])]


def choice(
    number: int, delta: dict[str, Any], told: dict[str, Any] | None = None, finish: str | None = None
) -> dict[str, Any]:
    """The one choice of a chunk."""
    return {"index": number, "delta": delta, "logprobs": told, "finish_reason": finish}


async def with_loss(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The events; an engine that is lost in the middle is told as one more, which the client raises as an error."""
    begun = False
    try:
        async for event in stream:
            yield event
            begun = True
    except WhenceError as error:
        if not begun:
            raise
        yield events.data(openai_error(status_of(error), str(error)))
