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
from whence.levels.groups import require_kinds
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
    GroupKind,
    Message,
    Query,
    Report,
    TokenInfluence,
    Trust,
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
    opened = index if isinstance(index, Index) else Index.open(index)
    require_text("question", question)
    if answer is not None:
        require_text("answer", answer)
    require_kinds(groups)
    if instead is not None:
        require_contrast(instead, selection)
    given = query_of(opened, question, answer, system_prompt, selection, max_new_tokens, report)
    if instead is None:
        (result,) = attribute_all(opened, [given], false_discovery_rate, top, groups)
    else:
        other = Query.of(question, instead, system_prompt, id="instead")
        result = attribute_contrast(opened, given, other, false_discovery_rate, top, groups)
    return result if answer is not None else replace(result, generated=True)


def own_answer(index: Index, question: str, system_prompt: str | None = None, report: Report = silent) -> str:
    """The fine-tuned model's own answer to a question."""
    require_text("question", question)
    return _own(index, Query.of(question, "", system_prompt), ANSWER_TOKENS, report).answer


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
    opened = index if isinstance(index, Index) else Index.open(index)
    require_text("question", question)
    require_text("answer", answer)
    if instead is not None:
        require_contrast(instead, selection)
    query = Query.of(question, answer, system_prompt, selected=selection)
    other = Query.of(question, instead, system_prompt, id="instead") if instead else None
    return token_influence_of(opened.evidence, row_of(opened.run, pair), query, other)


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


def attribute_contrast(
    index: Index,
    query: Query,
    instead: Query,
    rate: float = DISCOVERY_RATE,
    top: int | None = None,
    groups: Sequence[GroupKind] = (),
) -> Attribution:
    """The attribution of one answer rather than another; no results where fine-tuning did not favour it."""
    evidence = index.evidence
    return attribution_of(evidence, contrasted(evidence, query, instead, rate, groups), _trust(index, rate), top)


def score(index: Index | Run | str | Path, asked: Sequence[Query] | Source) -> Float[ndarray, "query train"]:
    """The raw score of every training example for every query, float32, in the method's unit."""
    opened = index if isinstance(index, Index) else Index.open(index)
    wanted = queries(asked) if isinstance(asked, str | Path) else asked
    return opened.method.score(opened.subject, opened.folder, wanted).astype(np.float32)


def query_of(
    index: Index,
    question: str,
    answer: str | None,
    system_prompt: str | None,
    selection: tuple[int, int] | None,
    max_new_tokens: int,
    report: Report,
) -> Query:
    """The question with the answer that is explained: the one given, or the model's own."""
    asked = Query.of(question, answer or "", system_prompt)
    if answer is None:
        asked = _own(index, asked, max_new_tokens, report)
    return replace(asked, selected=selection)


def _own(index: Index, asked: Query, max_new_tokens: int, report: Report) -> Query:
    """The question with the model's own answer."""
    prompt = asked.messages[:-1]
    (own,) = own_answers(index.subject, [prompt], max_new_tokens, report)
    if not own.text:
        raise DataError("The model gave an empty answer, which nothing can be said about. Give an answer.")
    return replace(asked, messages=(*prompt, Message("assistant", own.text)), ended=own.ended)


def _trust(index: Index, rate: float) -> Trust:
    known = recorded(recall_folder(index.run.folder, index.method.name), index.manifest.key)
    measured = faithfulness_of(index.run, index.method.name, settings_of(index.method))
    return trust_in(index.evidence, rate, (known.found, known.asked) if known else None, measured)


def require_contrast(instead: str, selection: tuple[int, int] | None) -> None:
    """Raise unless there is another answer, and the whole of both is asked about."""
    require_text("other answer", instead)
    if selection is not None:
        raise DataError("A contrast is one of two whole answers (found a selection, too). Leave one of them out.")


def require_text(what: str, text: str) -> None:
    """Raise unless there is any text."""
    if not text.strip():
        raise DataError(f"The {what} must not be empty (found {text!r}). Write one.")
