"""What an index says of an answer: pairs, groups, tokens, raw scores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.data.validate import Source, queries
from whence.errors import DataError, MissingError
from whence.evaluation.faithfulness import faithfulness_of
from whence.evaluation.recall import recall_folder, recorded
from whence.levels.attribution import attribution_of, trust_in
from whence.levels.lift import own_answers
from whence.levels.tokens import token_influence_of
from whence.levels.verdict import contrasted, verdicts
from whence.methods.registry import settings_of
from whence.pipeline.index import Index
from whence.training.run import Run
from whence.types import (
    ANSWER_TOKENS,
    DISCOVERY_RATE,
    Attribution,
    AttributionRequest,
    GroupKind,
    Message,
    Query,
    Recall,
    Report,
    TokenInfluence,
    Trust,
    require_text,
    silent,
)


def attribute(
    index: Index | Run | str | Path,
    question: str,
    answer: str | None = None,
    system_prompt: str | None = None,
    false_discovery_rate: float = DISCOVERY_RATE,
    top: int | None = None,
    report: Report = silent,
    max_new_tokens: int = ANSWER_TOKENS,
    selection: tuple[int, int] | None = None,
    groups: Sequence[GroupKind] = (),
    instead: str | None = None,
) -> Attribution:
    """Which training pairs made the fine-tuned model give this answer, or give it rather than the one `instead`.

    Where `answer` is None it is the model's own, of at most `max_new_tokens` tokens. With a `selection`, the characters
    of the answer from the first to before the second, lift and scores speak of the tokens in it only. `groups` are the
    kinds of sets of pairs that are looked at, too: "file", "duplicates", "topic".

    Raises:
        DataError: question or an answer is empty, the selection holds nothing of the answer, or is given with
            `instead`, or a kind of group is unknown.
        ArtifactError: the run has no index, or one that kept nothing to judge groups or contrasts by.
    """
    request = AttributionRequest(
        question,
        answer,
        system_prompt,
        selection,
        instead,
        tuple(groups),
        top_k=top,
        false_discovery_rate=false_discovery_rate,
        max_new_tokens=max_new_tokens,
    )
    return explain(index if isinstance(index, Index) else Index.open(index), request, report)


def explain(index: Index, request: AttributionRequest, report: Report = silent) -> Attribution:
    """The attribution of an answer, as requested; raises as `attribute` does."""
    request.require_valid()
    evidence, query, rate = index.evidence, query_of(index, request, report), request.false_discovery_rate
    if request.other is None:
        (verdict,) = verdicts(evidence, [query], rate, request.groups)
    else:
        verdict = contrasted(evidence, query, request.other, rate, request.groups)
    return attribution_of(evidence, verdict, _trust(index, rate), request.top_k, request.own)


def own_answer(index: Index, question: str, system_prompt: str | None = None, report: Report = silent) -> str:
    """The fine-tuned model's own answer to a question."""
    require_text("question", question)
    return query_of(index, AttributionRequest(question, system_prompt=system_prompt), report).answer


def token_influence(
    index: Index | Run | str | Path,
    question: str,
    answer: str,
    pair: str,
    system_prompt: str | None = None,
    selection: tuple[int, int] | None = None,
    instead: str | None = None,
) -> TokenInfluence:
    """Which tokens of a training pair's answer carry the pair's influence on this answer. `pair` is its id, or so much
    of the beginning as no other pair shares.

    Raises:
        MissingError: the run has no such pair.
        DataError: question or an answer is empty, or the selection holds nothing of the answer.
        MethodError: the index is that of a method that scores whole pairs only.
    """
    request = AttributionRequest(question, answer, system_prompt, selection, instead)
    return explain_pair(index if isinstance(index, Index) else Index.open(index), request, pair)


def explain_pair(index: Index, request: AttributionRequest, pair: str) -> TokenInfluence:
    """The influence of a training pair's tokens on the answer of a request; raises as `token_influence` does."""
    require_text("answer", request.answer or "")
    request.require_valid()
    query = replace(request.query, selected=request.selection)
    return token_influence_of(index.evidence, row_of(index.run, pair), query, request.other)


def row_of(run: Run, pair: str) -> int:
    """The place of a pair in the data, by its id or the beginning of it."""
    rows = [row for row, name in enumerate(run.examples.ids()) if pair and name.startswith(pair)]
    if len(rows) != 1:
        found = f"{len(rows)} pairs have one that begins with" if rows else "none has"
        raise MissingError(f"A pair is named by its id ({found} {pair[:60]!r}). Take it from an attribution.")
    return rows[0]


def attribute_all(
    index: Index,
    asked: Sequence[Query],
    rate: float = DISCOVERY_RATE,
    top: int | None = None,
    groups: Sequence[GroupKind] = (),
) -> list[Attribution]:
    """The attribution of each query's answer. An answer that fine-tuning contributed nothing to has no results."""
    evidence, trust = index.evidence, _trust(index, rate)
    return [attribution_of(evidence, verdict, trust, top) for verdict in verdicts(evidence, asked, rate, groups)]


def score(index: Index | Run | str | Path, asked: Sequence[Query] | Source) -> Float[ndarray, "query train"]:
    """The raw score of every training example for every query, float32, in the method's unit."""
    opened = index if isinstance(index, Index) else Index.open(index)
    wanted = queries(asked) if isinstance(asked, str | Path) else asked
    return opened.method.score(opened.subject, opened.folder, wanted).astype(np.float32)


def query_of(index: Index, request: AttributionRequest, report: Report = silent) -> Query:
    """The question with the answer to be explained: the one given, or else the model's own."""
    query = request.query
    if request.answer is None:
        prompt = query.messages[:-1]
        (own,) = own_answers(index.subject, [prompt], request.max_new_tokens, report)
        if not own.text:
            raise DataError("The model gave an empty answer, which cannot be explained. Give an answer.")
        query = replace(query, messages=(*prompt, Message("assistant", own.text)), ended=own.ended)
    return replace(query, selected=request.selection)


def _trust(index: Index, rate: float) -> Trust:
    known = recorded(recall_folder(index.run.folder, index.method.name), index.manifest.key)
    measured = faithfulness_of(index.run, index.method.name, settings_of(index.method))
    return trust_in(index.evidence, rate, Recall(known.found, known.asked) if known else None, measured)
