"""`whence ask`: an answer and the training pairs that made it."""

from dataclasses import replace
from typing import Annotated, get_args

from cyclopts import Parameter

from whence.cli.flags import AtLeastOne, Flag, Fraction, Json, Method, RunFolder, selected
from whence.cli.opening import open_index
from whence.cli.output import print_json, show
from whence.cli.progress import reporting
from whence.types import DISCOVERY_RATE, AttributionRequest, GroupKind

KINDS: tuple[GroupKind, ...] = get_args(GroupKind)


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
