"""Answers of another server that speaks OpenAI's dialect (vLLM and others), while attribution stays here."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from whence import settings
from whence.engine.pool import EngineError

PATIENCE = 600.0
DIRECT = ("temperature", "top_p", "seed", "stop")


async def pieces(
    url: str, model: str, conversation: list[tuple[str, str]], sampling: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """One answer as it grows, in the form that engines give it.

    Raises:
        EngineError: the server refuses, or cannot be reached.
    """
    body = request_of(model, conversation, sampling)
    headers = {"Authorization": f"Bearer {key}"} if (key := settings.generation_key()) else {}
    try:
        async with (
            httpx.AsyncClient(timeout=httpx.Timeout(PATIENCE, connect=10.0)) as client,
            client.stream("POST", f"{url.rstrip('/')}/chat/completions", json=body, headers=headers) as response,
        ):
            if response.status_code != 200:
                text = (await response.aread()).decode(errors="replace")[:300]
                raise EngineError(f"The generation server refused ({response.status_code}): {text}", 502)
            async for line in response.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    for piece in translated(json.loads(line[6:])):
                        yield piece
    except httpx.TransportError as error:
        raise EngineError(
            f"The generation server cannot be reached ({type(error).__name__}). Try again.", 503
        ) from error


def request_of(model: str, conversation: list[tuple[str, str]], sampling: dict[str, Any]) -> dict[str, Any]:
    """The request body for the upstream server."""
    extras = {name: sampling[name] for name in DIRECT if sampling.get(name) not in (None, [])}
    if sampling.get("top_k"):
        extras["top_k"] = sampling["top_k"]
    if sampling.get("repetition_penalty", 1.0) != 1.0:
        extras["repetition_penalty"] = sampling["repetition_penalty"]
    return {
        "model": model,
        "messages": [{"role": role, "content": text} for role, text in conversation],
        "max_tokens": sampling["max_new_tokens"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
        "top_logprobs": sampling.get("top_logprobs") or 0,
        **extras,
    }


def translated(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    """A chunk of the other server's answer as pieces."""
    found: list[dict[str, Any]] = []
    for choice in chunk.get("choices") or []:
        logs = ((choice.get("logprobs") or {}).get("content")) or []
        tokens = [
            {
                "text": one["token"],
                "logprob": one["logprob"],
                "top": [[top["token"], top["logprob"]] for top in one.get("top_logprobs") or []],
            }
            for one in logs
        ]
        finish = {"stop": "stop", "length": "length"}.get(choice.get("finish_reason") or "")
        found.append({"text": (choice.get("delta") or {}).get("content") or "", "tokens": tokens, "finish": finish})
    if chunk.get("usage"):
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        found.append({"usage": {name: chunk["usage"][name] for name in names}})
    return found
