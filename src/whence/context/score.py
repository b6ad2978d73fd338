"""The likelihood of parts of a response under a model, given different contexts.

The context and the query form one user message, the response is the assistant's answer. One pass over prompt and
response gives the log-probability of every token, and so of every part of the response at once.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from whence.context.split import Piece
from whence.data.text import Text, TextError, answer_start, text_to_explain
from whence.data.tokenize import tokenize_all
from whence.errors import DataError, ModelError
from whence.gradients.likelihood import batches
from whence.gradients.measurement import collate, token_log_probabilities
from whence.models.generate import evaluating
from whence.types import NO_LOSS, Progress, Query, Report, Tokens, silent


@dataclass(frozen=True)
class Scores:
    """log p of each target under each context in nats, and the number of tokens of each target."""

    log_p: Float[ndarray, "context target"]
    tokens: Float[ndarray, "target"]


@dataclass(frozen=True)
class Row:
    """A prompt with its response, and the targets to which each of the response's tokens belongs."""

    tokens: Tokens
    belongs: Bool[ndarray, "answer target"]


def user_message(context: str, query: str) -> str:
    """Return the user message: the context, then the query."""
    return f"Context: {context}\n\nQuery: {query}"


def score_contexts(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    contexts: Sequence[str],
    query: str,
    response: str,
    targets: Sequence[Piece],
    *,
    batch_rows: int = 8,
    report: Report = silent,
) -> Scores:
    """Return the log-probability of each target, a piece of the response, after each context and the query.

    The chat template's end of turn is not part of the response. The logits of a batch are in memory at once:
    `batch_rows` x the response's tokens x the vocabulary.

    Raises:
        DataError: a prompt with its response exceeds the model's context, or is not valid text.
        ModelError: the chat template rewrites the response, or the tokenizer does not report token positions.
    """
    queries = [Query.of(user_message(context, query), response, ended=False) for context in contexts]
    rows = rows_of(queries, tokenizer, targets)
    require_room(model, rows)
    log_p = np.zeros((len(rows), len(targets)))
    pad = tokenizer.pad_token_id
    with evaluating(model), torch.no_grad():
        for chosen in progressing(batches([row.tokens for row in rows], batch_rows), report):
            items = [rows[i].tokens for i in chosen]
            batch = collate(items, pad if isinstance(pad, int) else 0, "right", model.device)
            found = token_log_probabilities(model, batch).double().cpu().split([i.answer_length for i in items])
            for i, values in zip(chosen, found, strict=True):
                log_p[i] = values.numpy() @ rows[i].belongs
    return Scores(log_p, np.mean([row.belongs.sum(0) for row in rows], axis=0))


def rows_of(queries: Sequence[Query], tokenizer: PreTrainedTokenizerBase, targets: Sequence[Piece]) -> list[Row]:
    """Return each query's tokens and the targets among them. A token that straddles targets belongs to each."""
    if not tokenizer.is_fast:
        raise ModelError(
            "A tokenizer must report the positions of its tokens, which slow ones do not. Give it a tokenizer.json."
        )
    tokens: list[Tokens] = []
    for found in tokenize_all(queries, tokenizer):
        if isinstance(found, TextError):
            raise found
        tokens.append(found)
    texts = [text_to_explain(query, tokenizer) for query in queries]
    encode = cast(Any, tokenizer)
    offsets = encode([t.whole for t in texts], add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return [
        Row(row, belonging(row, np.array(spans) - shift(text, query.answer), targets))
        for row, spans, text, query in zip(tokens, offsets["offset_mapping"], texts, queries, strict=True)
    ]


def shift(text: Text, response: str) -> int:
    """Return the number of characters before the response in the text that the model reads.

    Raises:
        ModelError: the chat template changes the response.
    """
    if (start := answer_start(text, response)) is None:
        raise ModelError(
            "A chat template must keep the response unchanged, but this one changes it, so its sentences cannot be "
            "found among the tokens. Give the tokenizer another chat template."
        )
    return start - (len(response) - len(response.lstrip()))


def belonging(
    tokens: Tokens, spans: Int[ndarray, "token 2"], targets: Sequence[Piece]
) -> Bool[ndarray, "answer target"]:
    """Return which answer tokens overlap which targets; `spans` are the tokens' character spans in the response."""
    answer = [t for t, label in enumerate(tokens.labels) if t and label != NO_LOSS]
    begins, ends = spans[answer].T
    return np.stack([(begins < target.stop) & (ends > target.offset) for target in targets], axis=1)


def require_room(model: PreTrainedModel | PeftModel, rows: Sequence[Row]) -> None:
    """Raise unless the longest row fits into the model's context."""
    limit = cast(int | None, getattr(cast(Any, model.config).get_text_config(), "max_position_embeddings", None))
    longest = max(len(row.tokens.input_ids) for row in rows)
    if limit is not None and longest > limit:
        raise DataError(
            f"Context, query and response must fit into the {limit} tokens that the model reads (found {longest}). "
            "Shorten the context."
        )


def progressing(chosen: Sequence[Sequence[int]], report: Report) -> Generator[Sequence[int]]:
    """Yield the batches one after another; each is reported once it is done."""
    done, total = 0, sum(map(len, chosen))
    report(Progress("ablations", 0, total, "passes"))
    for rows in chosen:
        yield rows
        done += len(rows)
        report(Progress("ablations", done, total, "passes"))
