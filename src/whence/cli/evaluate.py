"""`whence evaluate`: how faithful a run's attributions are, measured by retraining."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from whence.cli.flags import AtLeastOne, Flag, Json, Positive, RunFolder, listed
from whence.cli.formatting import counted, price_facts, priced
from whence.cli.output import console, print_json, show
from whence.cli.progress import reporting
from whence.types import Report

if TYPE_CHECKING:
    from rich.console import RenderableType

    from whence.pipeline import EvaluationPlan
    from whence.training.run import Run


def evaluate(
    run: RunFolder,
    /,
    *,
    retrainings: Annotated[int, AtLeastOne, Parameter(help="Number of random halves to retrain on.")] = 64,
    workers: Annotated[int, AtLeastOne, Parameter(help="Retrainings in parallel.")] = 1,
    methods: Annotated[
        str | None, Parameter(metavar="NAME,…", help="Methods to compare (default: those indexed).")
    ] = None,
    queries: Annotated[
        Path | None, Parameter(metavar="FILE", help="Questions as JSONL (default: from the data).")
    ] = None,
    removal: Annotated[
        str | None, Parameter(metavar="K,…", help="Also retrain without each method's top K pairs.")
    ] = None,
    removal_questions: Annotated[int, AtLeastOne, Parameter(help="Number of questions for --removal.")] = 6,
    ceiling: Annotated[bool, Flag, Parameter(help="Also retrain on every half with another seed.")] = False,
    mislabelled: Annotated[str | None, Parameter(metavar="LINE,…", help="Lines of the data known to be wrong.")] = None,
    swap: Annotated[bool, Flag, Parameter(help="Also train with some answers swapped and look for them.")] = False,
    standard_error: Annotated[
        float | None, Positive, Parameter(metavar="X", help="Show how many retrainings reach this error.")
    ] = None,
    out: Annotated[Path | None, Parameter(metavar="DIR", help="Copy the report to this folder.")] = None,
    dry_run: Annotated[bool, Flag, Parameter(help="Show the cost and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Measure how faithful the attributions of a run are, and write a report."""
    from whence.pipeline import EvaluationPlan, evaluation_cost, run_evaluation
    from whence.training.run import Run

    plan = EvaluationPlan(
        retrainings=retrainings,
        methods=listed(methods),
        queries=queries,
        removal=tuple(number("--removal", word) for word in listed(removal) or ()),
        removal_questions=removal_questions,
        ceiling=ceiling,
        mislabelled=tuple(int(word) if word.isdigit() else word for word in listed(mislabelled) or ()),
        swap=swap,
    )
    opened = Run.open(run)
    price = evaluation_cost(opened, plan, workers)
    facts = {"cost": price_facts(price)}
    with reporting(as_json) as report:
        if not as_json:
            show(priced(price), console(stderr=not dry_run))
        if standard_error:
            facts["cost"]["retrainings_for_standard_error"] = needed(opened, plan, standard_error, report, as_json)
        folder = None if dry_run else run_evaluation(opened, plan, workers, report)
    if folder is None:
        if as_json:
            print_json(facts)
        return
    tell(folder, out, facts, as_json)


def number(option: str, word: str) -> int:
    """A count of at least 1.

    Raises:
        CycloptsError: the word is not one.
    """
    from cyclopts import CycloptsError

    if word.isdigit() and int(word) > 0:
        return int(word)
    raise CycloptsError(
        msg=f"{option} takes numbers of pairs, such as 1,2,4 (found {word!r}).", command_chain=["evaluate"]
    )


def needed(run: "Run", plan: "EvaluationPlan", error: float, report: Report, quiet: bool) -> int | None:
    """Show and return the number of retrainings that bring the standard error down to `error`."""
    from whence.pipeline import retrainings_for

    count = retrainings_for(run, plan, error, report)
    if not quiet:
        text = f"{error:g} takes about {counted(count, 'retraining')}." if count else UNKNOWN
        show(f"Standard error over retrainings: {text}", console(stderr=True))
    return count


UNKNOWN = "it can be predicted once 16 retrainings have run."


def tell(folder: Path, out: Path | None, facts: dict[str, Any], as_json: bool) -> None:
    """Show a finished report and copy it to `out`."""
    from whence.pipeline import read_evaluation, report_tables

    found = read_evaluation(folder)
    place = folder
    if out is not None:
        place = out
        out.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("report.*"):
            shutil.copyfile(path, out / path.name)
    if as_json:
        print_json({**facts, "report": str(place), "evaluation": found.to_dict()})
        return
    for title, note, rows in report_tables(found):
        show(table(title, note, rows))
    where = console()
    where.print(f"Report: {place / 'report.html'}", soft_wrap=True)


def table(title: str, note: str, rows: list[list[str]]) -> "RenderableType":
    """A table of the report for a terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    header, *body = rows
    for place, name in enumerate(header):
        made.add_column(name, justify="left" if place == 0 else "right")
    for row in body:
        made.add_row(*(Text(cell.replace(" ± ", "±"), no_wrap=True) for cell in row))
    return Group(Text(title, "bold"), made, Text(note, "dim"), Text())
