"""Chat completions, streamed and not."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter

from whence.api import completions, events
from whence.api.auth import Open, Team
from whence.api.schemas.chat import Chat, ChatRequest
from whence.api.service import Service
from whence.errors import DataError
from whence.platform.deployments import ServedModel, served_model

router = APIRouter(prefix="/inference/chat", tags=["Chat"])
TEMPERATURE, LONGEST = 0.7, 512


@router.post(
    "/completions",
    summary="Answer a conversation",
    operation_id="seekrflow_chat",
    response_model=Chat,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def create(body: ChatRequest, team: Team, service: Open) -> Any:
    """The answer; with `stream`, as server-sent events."""
    sampling, conversation = body.sampling(TEMPERATURE, LONGEST), body.conversation()
    served = await service.in_session(lambda session: served_model(session, team, body.model))
    if body.stream:
        if (body.n or 1) > 1:
            raise DataError("A stream holds one answer (found n above 1). Leave n or stream out.")
        return await events.stream(chunks(service, served, body.model, conversation, sampling, bool(body.logprobs)))
    answers = await completions.several(service, served, body, sampling)
    choices = [
        {
            "index": number,
            "finish_reason": completion.finish,
            "message": {"role": "assistant", "content": completion.text},
            "logprobs": logprobs(completion.tokens) if body.logprobs else None,
        }
        for number, completion in enumerate(answers)
    ]
    whole = {
        **completions.envelope("chat.completion", body.model),
        "choices": choices,
        "usage": completions.total(answers),
    }
    if body.echo:
        whole["prompt"] = [{"text": "\n".join(text for _, text in conversation), "logprobs": None}]
    return whole


def logprobs(tokens: list[dict[str, Any]]) -> dict[str, Any]:
    """The tokens with their log-probabilities, in lists as this dialect has them."""
    offsets, at = list[int](), 0
    for token in tokens:
        offsets.append(at)
        at += len(token["text"])
    return {
        "text_offset": offsets,
        "token_logprobs": [token["logprob"] for token in tokens],
        "tokens": [token["text"] for token in tokens],
        "top_logprobs": [dict(token["top"]) for token in tokens],
    }


async def chunks(
    service: Service,
    served: ServedModel,
    model: str,
    conversation: list[tuple[str, str]],
    sampling: dict[str, Any],
    with_logprobs: bool,
) -> AsyncIterator[bytes]:
    """The answer as events; with log-probabilities, one event a token."""
    around = completions.envelope("chat.completion.chunk", model)
    offset = 0
    async for piece in completions.pieces(service, served, conversation, sampling):
        if "usage" in piece:
            yield events.data({**around, "choices": [], "usage": piece["usage"]})
            continue
        tokens = piece["tokens"] if with_logprobs else []
        for token in tokens[:-1]:
            yield events.data({**around, "choices": [_choice("", None, _logprob(token, offset))]})
            offset += len(token["text"])
        last = _logprob(tokens[-1], offset) if tokens else None
        offset += len(tokens[-1]["text"]) if tokens else 0
        yield events.data({**around, "choices": [_choice(piece["text"], piece["finish"], last)]})
    yield events.DONE


def _choice(text: str, finish: str | None, logprob: dict[str, Any] | None) -> dict[str, Any]:
    return {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish, "logprobs": logprob}


def _logprob(token: dict[str, Any], offset: int) -> dict[str, Any]:
    return {
        "text_offset": offset,
        "token": token["text"],
        "token_logprob": token["logprob"],
        "top_logprobs": dict(token["top"]),
    }
