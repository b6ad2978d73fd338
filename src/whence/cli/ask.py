"""`whence ask`: an answer, and the training pairs that made it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, get_args

from cyclopts import Parameter

from whence.cli.flags import AtLeastOne, Flag, Fraction, Json, Method, RunFolder
from whence.cli.opening import open_index
from whence.cli.output import print_json, show
from whence.cli.progress import reporting
from whence.errors import DataError
from whence.types import DISCOVERY_RATE, GroupKind, TokenInfluence

if TYPE_CHECKING:
    from whence.pipeline import Index

KINDS: tuple[GroupKind, ...] = get_args(GroupKind)
Selection = tuple[int, int] | None


def ask(
    run: RunFolder,
    question: Annotated[str, Parameter(name="QUESTION", help="What to ask the fine-tuned model.")],
    /,
    *,
    answer: Annotated[
        str | None, Parameter(metavar="TEXT", help="Explain this answer (else: the model's own).")
    ] = None,
    instead: Annotated[
        str | None, Parameter(metavar="TEXT", help="Explain why the answer rather than this other one.")
    ] = None,
    select: Annotated[str | None, Parameter(metavar="TEXT", help="Explain this part of the answer only.")] = None,
    select_range: Annotated[
        str | None, Parameter(metavar="A:B", help="Explain its characters from A, counted from 0, to before B only.")
    ] = None,
    system_prompt: Annotated[
        str | None, Parameter(metavar="TEXT", help="What the model is told before the question.")
    ] = None,
    method: Method = None,
    top: Annotated[int | None, AtLeastOne, Parameter(metavar="N", help="Show at most so many pairs.")] = None,
    opposing: Annotated[bool, Flag, Parameter(help="Show the pairs that made the answer less likely, too.")] = False,
    groups: Annotated[bool, Flag, Parameter(help="Show the files, copies and topics that made it, too.")] = False,
    tokens: Annotated[
        str | None, Parameter(metavar="ID", help="Show which tokens of the pair with this id made it, too.")
    ] = None,
    fdr: Annotated[
        float, Fraction, Parameter(help="Share of the pairs shown that may be there by chance.")
    ] = DISCOVERY_RATE,
    as_json: Json = False,
) -> None:
    """Show the answer and the training pairs that made it."""
    with reporting(as_json) as report:
        from whence.pipeline import attribute, own_answer

        index, kinds, given = open_index(run, method), KINDS if groups else (), answer
        if given is None and select is not None:
            given = own_answer(index, question, system_prompt, report)
        part = selected(given, select, select_range)
        found = attribute(
            index, question, given, system_prompt, fdr, top, report, selection=part, groups=kinds, instead=instead
        )
        found = replace(found, generated=answer is None)
        pair = token_scores(index, tokens, found.answer, found.question, system_prompt, part, instead)
    if as_json:
        print_json(found.to_dict() | ({"tokens": pair.to_dict()} if pair else {}))
        return
    from whence.cli.tables import attribution, token_table

    show(attribution(found, opposing))
    if pair:
        show(token_table(pair))


def token_scores(
    index: "Index", pair: str | None, answer: str, question: str, system: str | None, part: Selection, other: str | None
) -> TokenInfluence | None:
    """The influence of a pair's tokens; None where no pair is asked about."""
    from whence.pipeline import token_influence

    return token_influence(index, question, answer, pair, system, part, other) if pair else None


def selected(answer: str | None, text: str | None, span: str | None) -> Selection:
    """The part of the answer that is asked about, by characters; None for the whole answer.

    Raises:
        DataError: the text does not occur in the answer just once, the range is none, or both are given.
    """
    if text is not None and span is not None:
        raise DataError("A part of the answer is chosen by --select or by --select-range (found both). Give one.")
    if span is not None:
        start, parted, end = span.partition(":")
        if not (parted and start.isdecimal() and end.isdecimal()):
            raise DataError(f"--select-range takes two numbers, first:end (found {span!r}). Write it like 3:17.")
        return int(start), int(end)
    if text is None:
        return None
    places = places_of(text, answer or "")
    if len(places) != 1:
        often = f"{len(places)} times" if places else "nowhere"
        raise DataError(
            f"--select must occur in the answer just once (found {text!r} {often} in {answer!r}). "
            "Give more of the text, or its place with --select-range."
        )
    return places[0], places[0] + len(text)


def places_of(text: str, answer: str) -> Sequence[int]:
    """Where a text begins in the answer, all places."""
    return [i for i in range(len(answer)) if text and answer.startswith(text, i)]
