"""`whence audit`: an answer's attribution, proved by training without what it was attributed to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from whence.cli.amounts import counted
from whence.cli.ask import selected
from whence.cli.evaluate import listed, price_facts, priced
from whence.cli.flags import AtLeastOne, Flag, Json, Method, RunFolder
from whence.cli.opening import open_index
from whence.cli.output import console, print_json, show
from whence.cli.progress import reporting

if TYPE_CHECKING:
    from whence.auditing.prepare import PreparedAudit


def audit(
    run: RunFolder,
    question: Annotated[str, Parameter(name="QUESTION", help="What to ask the fine-tuned model.")],
    /,
    *,
    answer: Annotated[str | None, Parameter(metavar="TEXT", help="Audit this answer (else: the model's own).")] = None,
    select: Annotated[str | None, Parameter(metavar="TEXT", help="Audit this part of the answer only.")] = None,
    select_range: Annotated[
        str | None, Parameter(metavar="A:B", help="Audit its characters from A, counted from 0, to before B only.")
    ] = None,
    system_prompt: Annotated[
        str | None, Parameter(metavar="TEXT", help="What the model is told before the question.")
    ] = None,
    method: Method = None,
    pairs: Annotated[int, AtLeastOne, Parameter(help="Train without each of so many pairs, the first.")] = 3,
    seeds: Annotated[int, AtLeastOne, Parameter(help="Train everything with so many seeds.")] = 3,
    groups: Annotated[
        str, Parameter(metavar="KIND,…", help="Also train without the first group of each kind: file, topic or none.")
    ] = "file,topic",
    exact: Annotated[bool, Flag, Parameter(help="Add the exact derivative: about ten more trainings.")] = False,
    force: Annotated[bool, Flag, Parameter(help="Train without the first pairs though none stands out.")] = False,
    workers: Annotated[int, AtLeastOne, Parameter(help="Retrainings at a time.")] = 1,
    out: Annotated[Path | None, Parameter(metavar="DIR", help="Write the report there.")] = None,
    dry_run: Annotated[bool, Flag, Parameter(help="Tell the cost and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Train the model without what made an answer, and write a report of what it says then."""
    from whence.auditing.audit import run_audit
    from whence.auditing.prepare import AuditPlan

    plan = AuditPlan(pairs, seeds, kinds(groups), exact, force)
    with reporting(as_json) as report:
        from whence.pipeline import inquire, own_answer

        index, given = open_index(run, method), answer
        if given is None and select is not None:
            given = own_answer(index, question, system_prompt, report)
        part = selected(given, select, select_range)
        asked = inquire(index, question, answer, plan, system_prompt, part, report)
        facts = {"cost": {**price_facts(asked.cost(workers)), "replays": asked.replays}}
        if not as_json:
            show(costs(asked, workers), console(stderr=not dry_run))
        folder = None if dry_run else run_audit(asked, out, workers, report)
    if folder is not None:
        tell(folder, facts, as_json)
    elif as_json:
        print_json({**facts, "left_out": [omission.name for omission in asked.omissions]})


def kinds(words: str) -> tuple[Any, ...]:
    """The kinds of groups that stand between commas; the plan knows which there are."""
    return tuple(word for word in listed(words) or () if word != "none")


def costs(asked: "PreparedAudit", workers: int) -> str:
    """What is going to be left out, and the cost, in sentences."""
    if not asked.omissions:
        return "No pair stands out: nothing is trained anew. With --force, it is without the first pairs all the same."
    names = "; ".join(omission.name for omission in asked.omissions)
    said = f"Without {names}, with {counted(len(asked.seeds), 'seed')}: {priced(asked.cost(workers))}"
    if asked.replays:
        said += f" The exact derivative replays the training {asked.replays} times, in float32, on top of that."
    return said


def tell(folder: Path, facts: dict[str, Any], as_json: bool) -> None:
    """Show a finished audit."""
    from whence.auditing.dossier import read_dossier
    from whence.auditing.summary import sentences

    found = read_dossier(folder)
    if as_json:
        print_json({**facts, "report": str(folder), "verdict": sentences(found), "audit": found.to_dict()})
        return
    show(found.answer + "\n")
    for said in sentences(found):
        show(said + "\n")
    console().print(f"The report is {folder / 'report.html'}", soft_wrap=True)
