"""Verdicts as attributions: each row that stands out by its id, its file and its line."""

from collections.abc import Sequence
from dataclasses import replace

from whence.gradients.subject import Examples, cut_note
from whence.levels.judge import Judgement
from whence.levels.verdict import Evidence, JudgedGroup, Verdict
from whence.types import Attribution, Example, Faithfulness, Group, Influence, Level, Member, Query, Recall, Trust

PROXY = "The trajectory was not recorded: scores were computed along a proxy training on the same pairs."
MEMBERS = 100
"""Members listed per group at most."""


def attribution_of(
    evidence: Evidence, verdict: Verdict, trust: Trust, top: int | None = None, generated: bool = False
) -> Attribution:
    """The attribution of a verdict's answer, with at most `top` pairs each way (None: all).

    `trust` is that of the index; notes on this answer are added to it. `generated`: the model wrote the answer.
    """
    query, examples = verdict.query, evidence.subject.examples
    return Attribution(
        question=query.question,
        answer=query.answer,
        results=_influences(examples, verdict.supporting[:top]),
        opposing=_influences(examples, verdict.opposing[:top]),
        lift=verdict.lift,
        method=evidence.method.name,
        unit=evidence.method.unit,
        trust=replace(trust, notes=(*trust.notes, *_notes(evidence, query, verdict.instead))),
        generated=generated,
        selection=query.selected,
        groups=tuple(_group(examples, group, rank) for rank, group in enumerate(verdict.groups, start=1)),
        instead=verdict.instead.answer if verdict.instead else None,
        distribution=verdict.distribution,
    )


def trust_in(
    evidence: Evidence,
    rate: float,
    recall: Recall | None = None,
    faithfulness: Faithfulness | None = None,
) -> Trust:
    """The basis of attributions by this index, and its limits. `recall`: as measured for this index, if it was;
    `faithfulness`: as measured by retraining this run, if it was."""
    path, method = evidence.subject.trajectory, evidence.method
    has_proxy = path.finished is not None and method.needs.checkpoints == "all"
    return Trust(
        method=method.name,
        false_discovery_rate=rate,
        controls=len(evidence.null.drift),
        checkpoints=len(path.checkpoints),
        notes=(*([PROXY] if has_proxy else []), *method.notes(evidence.subject)),
        recall=recall,
        faithfulness=faithfulness,
        provisional=faithfulness is None,
        trajectory=path.kind,
    )


def _notes(evidence: Evidence, query: Query, instead: Query | None) -> tuple[str, ...]:
    other = cut_note(evidence.subject, instead) if instead else ()
    return (*cut_note(evidence.subject, query), *(f"The other answer: {note}" for note in other))


def _group(examples: Examples, found: JudgedGroup, rank: int) -> Group:
    j, sign = found.judgement, -1 if found.judgement.score > 0 else 1
    assert j.level is not Level.IRRELEVANT
    order = (sign * found.scores).argsort(kind="stable")[:MEMBERS]
    return Group(
        kind=found.group.kind,
        name=found.group.name,
        size=len(found.group.rows),
        members=tuple(_member(examples[int(found.group.rows[i])], float(found.scores[i])) for i in order),
        level=j.level,
        score=j.score,
        share=j.share,
        p_value=j.p_value,
        rank=rank,
    )


def _member(example: Example, score: float) -> Member:
    return Member(example.id, example.file_id, example.file, example.line, score)


def _influences(examples: Examples, judged: Sequence[Judgement]) -> tuple[Influence, ...]:
    return tuple(_influence(examples[j.row], j, rank) for rank, j in enumerate(judged, start=1))


def _influence(example: Example, j: Judgement, rank: int) -> Influence:
    assert j.level is not Level.IRRELEVANT
    return Influence(
        id=example.id,
        file_id=example.file_id,
        file=example.file,
        line=example.line,
        messages=example.messages,
        level=j.level,
        score=j.score,
        share=j.share,
        p_value=j.p_value,
        rank=rank,
    )
