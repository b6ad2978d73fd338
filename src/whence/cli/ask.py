"""`whence ask`: an answer and the training pairs that made it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, get_args

from cyclopts import Parameter

from whence.cli.flags import AtLeastOne, Flag, Fraction, Json, Method, RunFolder
from whence.cli.opening import open_index
from whence.cli.output import print_json, show
from whence.cli.progress import reporting
from whence.errors import DataError
from whence.types import DISCOVERY_RATE, AttributionRequest, GroupKind

KINDS: tuple[GroupKind, ...] = get_args(GroupKind)
Selection = tuple[int, int] | None


def ask(
    run: RunFolder,
    question: Annotated[str, Parameter(name="QUESTION", help="Question to the fine-tuned model.")],
    /,
    *,
    answer: Annotated[
        str | None, Parameter(metavar="TEXT", help="Answer to explain (default: the model's own).")
    ] = None,
    instead: Annotated[
        str | None, Parameter(metavar="TEXT", help="Explain why the model prefers its answer to this one.")
    ] = None,
    select: Annotated[str | None, Parameter(metavar="TEXT", help="Explain only this part of the answer.")] = None,
    select_range: Annotated[
        str | None, Parameter(metavar="A:B", help="Explain only its characters A to B, from 0, without B.")
    ] = None,
    system_prompt: Annotated[str | None, Parameter(metavar="TEXT", help="System prompt before the question.")] = None,
    method: Method = None,
    top: Annotated[int | None, AtLeastOne, Parameter(metavar="N", help="Show at most N pairs.")] = None,
    opposing: Annotated[bool, Flag, Parameter(help="Also show the pairs that made the answer less likely.")] = False,
    groups: Annotated[bool, Flag, Parameter(help="Also show the files, duplicates and topics that made it.")] = False,
    tokens: Annotated[
        str | None, Parameter(metavar="ID", help="Also show the influence of each token of this pair.")
    ] = None,
    fdr: Annotated[
        float, Fraction, Parameter(help="Share of the pairs shown that may be there by chance.")
    ] = DISCOVERY_RATE,
    as_json: Json = False,
) -> None:
    """Show the answer and the training pairs that made it."""
    with reporting(as_json) as report:
        from whence.pipeline import explain, explain_pair, own_answer

        index, kinds = open_index(run, method), KINDS if groups else ()
        request = AttributionRequest(
            question, answer, system_prompt, None, instead, kinds, method, top, false_discovery_rate=fdr
        )
        if answer is None and select is not None:
            own = own_answer(index, question, system_prompt, report)
            request = replace(request, answer=own, generated=True)
        request = replace(request, selection=selected(request.answer, select, select_range))
        found = explain(index, request, report)
        pair = explain_pair(index, replace(request, answer=found.answer), tokens) if tokens else None
    if as_json:
        print_json(found.to_dict() | ({"tokens": pair.to_dict()} if pair else {}))
        return
    from whence.cli.tables import attribution, token_table

    show(attribution(found, opposing))
    if pair:
        show(token_table(pair))


def selected(answer: str | None, text: str | None, span: str | None) -> Selection:
    """The selected part of the answer, in characters; None for the whole answer.

    Raises:
        DataError: the text does not occur exactly once in the answer, the range is malformed, or both are given.
    """
    if text is not None and span is not None:
        raise DataError("Select a part of the answer with either --select or --select-range (found both). Give one.")
    if span is not None:
        start, parted, end = span.partition(":")
        if not (parted and start.isdecimal() and end.isdecimal()):
            raise DataError(f"--select-range takes two numbers, start:end (found {span!r}). Write it like 3:17.")
        return int(start), int(end)
    if text is None:
        return None
    places = places_of(text, answer or "")
    if len(places) != 1:
        often = f"{len(places)} times" if places else "nowhere"
        raise DataError(
            f"--select must occur exactly once in the answer (found {text!r} {often} in {answer!r}). "
            "Give more of the text, or its position with --select-range."
        )
    return places[0], places[0] + len(text)


def places_of(text: str, answer: str) -> Sequence[int]:
    """All positions at which a text begins in the answer."""
    return [i for i in range(len(answer)) if text and answer.startswith(text, i)]
