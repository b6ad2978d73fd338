"""Attribution of a response to the parts of its context.

Sources are left out at random, the response is scored without them, and a sparse linear model estimates the
contribution of each source to each sentence of the response; see `surrogate` for the formula.
"""

from collections.abc import Callable, Sequence
from typing import TypedDict, Unpack

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.context.ablate import ablated, draw
from whence.context.result import ContextAttribution, Segment, Source
from whence.context.score import Scores, score_contexts
from whence.context.split import Granularity, Piece, split
from whence.context.surrogate import attributions
from whence.data.read import short
from whence.errors import DataError
from whence.types import Report, silent

MAX_SOURCES = 512
ABLATIONS = range(32, 257)

Score = Callable[[Sequence[str], Sequence[Piece]], Scores]
"""Scores pieces of a response under several contexts."""


class Options(TypedDict, total=False):
    """The settings of `attribute_by`, for functions that pass them on."""

    highlight: str | None
    granularity: Granularity
    top_k: int
    ablations: int
    seed: int


def attribute_context(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    context: str,
    query: str,
    response: str,
    *,
    batch_rows: int = 8,
    report: Report = silent,
    **options: Unpack[Options],
) -> ContextAttribution:
    """Return each sentence of the response with the parts of the context that most raised its probability.

    Args:
        batch_rows: contexts per pass; it affects only time and memory.
        options: see `attribute_by`.

    Raises:
        DataError: an empty text, an unknown highlight, a number out of range, too many sources or too many tokens.
        ModelError: with this chat template or tokenizer the response cannot be found among the tokens.
    """
    require_text("query", query)
    require_one("batch_rows", batch_rows)

    def score(contexts: Sequence[str], targets: Sequence[Piece]) -> Scores:
        return score_contexts(
            model, tokenizer, contexts, query, response, targets, batch_rows=batch_rows, report=report
        )

    return attribute_by(score, context, response, **options)


def attribute_by(
    score: Score,
    context: str,
    response: str,
    *,
    highlight: str | None = None,
    granularity: Granularity = "sentence",
    top_k: int = 5,
    ablations: int = 64,
    seed: int = 0,
) -> ContextAttribution:
    """Attribute a response with any scoring function; each distinct context is scored once.

    Args:
        highlight: a piece of the response (its first occurrence) to find the sources of; None: all of the response.
        granularity: whether sources are sentences or paragraphs of the context. Segments are always sentences.
        top_k: sources per segment, those with the largest effects.
        ablations: number of contexts to score, one forward pass each; fewer if there are fewer subsets.
        seed: of the random subsets. The same seed gives the same attribution.

    Raises:
        DataError: an empty text, an unknown highlight, a number out of range, or too many sources.
    """
    require_text("response", response)
    require_one("top_k", top_k)
    if ablations not in ABLATIONS:
        allowed = f"{ABLATIONS.start} to {ABLATIONS.stop - 1}"
        raise DataError(f"ablations must be from {allowed} (found {ablations}). Leave it out for 64.")
    sources, segments = sources_of(context, granularity), split(response, "sentence")
    kept = draw(len(sources), ablations, seed)
    contexts = [ablated(context, sources, row) for row in kept]
    distinct = {text: i for i, text in enumerate(dict.fromkeys(contexts))}
    found = score(list(distinct), [*segments, focus(response, highlight)])
    scores = Scores(found.log_p[[distinct[text] for text in contexts]], found.tokens)
    *parts, whole = (strongest(sources, weights, top_k) for weights in attributions(kept, scores).T)
    named = (Segment(i, s.text, s.offset, best) for i, (s, best) in enumerate(zip(segments, parts, strict=True)))
    return ContextAttribution(response, tuple(named), highlight, whole)


def sources_of(context: str, granularity: Granularity) -> tuple[Piece, ...]:
    """Return the parts of a context that are left out or kept.

    Raises:
        DataError: there are none, or more than `MAX_SOURCES`.
    """
    require_text("context", context)
    sources = split(context, granularity)
    if len(sources) > MAX_SOURCES:
        fix = "Use paragraphs, or shorten the context." if granularity == "sentence" else "Shorten the context."
        raise DataError(f"A context must have at most {MAX_SOURCES} {granularity}s (found {len(sources)}). {fix}")
    return sources


def focus(response: str, highlight: str | None) -> Piece:
    """Return the target of the overall `sources`: the highlight, else the whole response, stripped.

    Raises:
        DataError: the highlight is blank or is not in the response.
    """
    part = response if highlight is None else highlight
    require_text("highlight", part)
    if (start := response.find(part)) < 0:
        raise DataError(f"A highlight must be a part of the response (found {short(part)!r}). Copy it from there.")
    return Piece(part.strip(), start + len(part) - len(part.lstrip()))


def strongest(sources: Sequence[Piece], weights: Float[ndarray, "source"], top_k: int) -> tuple[Source, ...]:
    """Return the `top_k` sources of largest weight, largest first; ties keep their order."""
    order = np.argsort(-weights, kind="stable")[:top_k].tolist()
    return tuple(Source(i, sources[i].text, sources[i].offset, float(weights[i])) for i in order)


def require_text(name: str, text: str) -> None:
    """Raise if a text is empty or white space."""
    if not text.strip():
        raise DataError(f"A {name} must not be empty (found {short(text)!r}). Give its text.")


def require_one(name: str, value: int) -> None:
    """Raise unless a number is at least 1."""
    if value < 1:
        raise DataError(f"{name} must be at least 1 (found {value}). Raise it.")
