"""`whence audit`: an answer's attribution, checked by retraining without the pairs that it names."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from whence.cli.flags import AtLeastOne, Flag, Json, Method, RunFolder, listed, selected
from whence.cli.formatting import counted, price_facts, priced
from whence.cli.opening import open_index
from whence.cli.output import console, print_json, show
from whence.cli.progress import reporting

if TYPE_CHECKING:
    from whence.pipeline import PreparedAudit


def audit(
    run: RunFolder,
    question: Annotated[str, Parameter(name="QUESTION", help="Question to the fine-tuned model.")],
    /,
    *,
    answer: Annotated[str | None, Parameter(metavar="TEXT", help="Answer to audit (default: the model's own).")] = None,
    select: Annotated[str | None, Parameter(metavar="TEXT", help="Audit only this part of the answer.")] = None,
    select_range: Annotated[
        str | None, Parameter(metavar="A:B", help="Audit only its characters A to B, from 0, without B.")
    ] = None,
    system_prompt: Annotated[str | None, Parameter(metavar="TEXT", help="System prompt before the question.")] = None,
    method: Method = None,
    pairs: Annotated[int, AtLeastOne, Parameter(help="Number of top pairs to leave out, each in turn.")] = 3,
    seeds: Annotated[int, AtLeastOne, Parameter(help="Number of seeds for each retraining.")] = 3,
    groups: Annotated[
        str, Parameter(metavar="KIND,…", help="Also leave out the top group per kind: file, topic, none.")
    ] = "file,topic",
    exact: Annotated[bool, Flag, Parameter(help="Add the exact derivative (about ten more trainings).")] = False,
    force: Annotated[bool, Flag, Parameter(help="Leave out the top pairs even if none stands out.")] = False,
    workers: Annotated[int, AtLeastOne, Parameter(help="Retrainings in parallel.")] = 1,
    out: Annotated[Path | None, Parameter(metavar="DIR", help="Folder of the report (default: in the run's).")] = None,
    dry_run: Annotated[bool, Flag, Parameter(help="Show the cost and stop.")] = False,
    as_json: Json = False,
) -> None:
    """Retrain the model without the pairs that made an answer, and report how the answer changes."""
    from whence.pipeline import AuditPlan, own_answer, prepare_audit, run_audit

    plan = AuditPlan(pairs, seeds, kinds(groups), exact, force)
    with reporting(as_json) as report:
        index, given = open_index(run, method), answer
        if given is None and select is not None:
            given = own_answer(index, question, system_prompt, report)
        part = selected(given, select, select_range)
        asked = prepare_audit(index, question, answer, plan, system_prompt, part, report)
        facts = {"cost": {**price_facts(asked.cost(workers)), "replays": asked.replays}}
        if not as_json:
            show(costs(asked, workers), console(stderr=not dry_run))
        folder = None if dry_run else run_audit(asked, out, workers, report)
    if folder is not None:
        tell(folder, facts, as_json)
    elif as_json:
        print_json({**facts, "left_out": [omission.name for omission in asked.omissions]})


def kinds(words: str) -> tuple[Any, ...]:
    """The kinds of groups between commas; the plan checks them."""
    return tuple(word for word in listed(words) or () if word != "none")


def costs(asked: "PreparedAudit", workers: int) -> str:
    """The omissions and the cost, in sentences."""
    if not asked.omissions:
        return "No pair stands out, so nothing is retrained. With --force, the top pairs are left out anyway."
    names = "; ".join(omission.name for omission in asked.omissions)
    text = f"Without {names}, with {counted(len(asked.seeds), 'seed')}: {priced(asked.cost(workers))}"
    if asked.replays:
        text += f" The exact derivative also replays the training {asked.replays} times in float32."
    return text


def tell(folder: Path, facts: dict[str, Any], as_json: bool) -> None:
    """Show a finished audit."""
    from whence.pipeline import read_dossier, verdict_sentences

    found = read_dossier(folder)
    if as_json:
        print_json({**facts, "report": str(folder), "verdict": verdict_sentences(found), "audit": found.to_dict()})
        return
    show(found.answer + "\n")
    for sentence in verdict_sentences(found):
        show(sentence + "\n")
    console().print(f"Report: {folder / 'report.html'}", soft_wrap=True)
