"""`whence ask`: an answer, and the training pairs that made it."""

from typing import Annotated

from cyclopts import Parameter

from whence.cli.flags import AtLeastOne, Flag, Fraction, Json, Method, RunFolder
from whence.cli.opening import open_index
from whence.cli.output import print_json, show
from whence.cli.progress import reporting


def ask(
    run: RunFolder,
    question: Annotated[str, Parameter(name="QUESTION", help="What to ask the fine-tuned model.")],
    /,
    *,
    answer: Annotated[
        str | None, Parameter(metavar="TEXT", help="Explain this answer (else: the model's own).")
    ] = None,
    system_prompt: Annotated[
        str | None, Parameter(metavar="TEXT", help="What the model is told before the question.")
    ] = None,
    method: Method = None,
    top: Annotated[int | None, AtLeastOne, Parameter(metavar="N", help="Show at most so many pairs.")] = None,
    opposing: Annotated[bool, Flag, Parameter(help="Show the pairs that made the answer less likely, too.")] = False,
    fdr: Annotated[float, Fraction, Parameter(help="Share of the pairs shown that may be there by chance.")] = 0.02,
    as_json: Json = False,
) -> None:
    """Show the answer and the training pairs that made it."""
    with reporting(as_json) as report:
        from whence.pipeline import attribute

        found = attribute(open_index(run, method), question, answer, system_prompt, fdr, top, report)
    if as_json:
        print_json(found.to_dict())
        return
    from whence.cli.tables import attribution

    show(attribution(found, opposing))
