"""`whence demo`: all stages on the included help-desk sample, from pairs to the sources of four answers."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from whence.cli.flags import BaseModel, Json
from whence.cli.formatting import duration
from whence.cli.output import console, print_json, show
from whence.cli.progress import reporting
from whence.data.sample import demo_run, sample, sample_questions
from whence.types import DEFAULT_MODEL, Attribution

if TYPE_CHECKING:
    from rich.console import Console

    from whence.pipeline import Index


def demo(
    *,
    out: Annotated[Path | None, Parameter(metavar="DIR", help="Folder of the run (default: in Whence's own).")] = None,
    base_model: BaseModel = DEFAULT_MODEL,
    as_json: Json = False,
) -> None:
    """Fine-tune on the included sample, ask four questions and show the pairs that made each answer."""
    began = time.monotonic()
    data = put_data(demo_run().parent)
    folder = out or demo_run()
    where = console()
    where.quiet = as_json
    index = prepare(data, base_model, folder, where, as_json)
    asked = [ask(index, item, where, as_json) for item in sample_questions()]
    seconds = time.monotonic() - began
    if as_json:
        answers = [{"title": title, **found.to_dict()} for title, found in asked]
        print_json({"run": str(folder), "data": str(data), "seconds": seconds, "questions": answers})
    farewell(where, data, folder, seconds)


def put_data(folder: Path) -> Path:
    """Write the sample's pairs to `faq.jsonl` in the user's folder, where sources can be looked up."""
    path = folder / "faq.jsonl"
    text = sample("pairs.jsonl")
    if not path.is_file() or path.read_text("utf-8") != text:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")
    return path


def prepare(data: Path, base_model: str, folder: Path, where: "Console", as_json: bool) -> "Index":
    """Fine-tune and index the sample; a finished run or index is used again."""
    step(where, 1, f"Fine-tune {base_model} on {data}")
    with reporting(as_json) as report:
        from whence.pipeline import build_index, finetune

        run = finetune(data, base_model, folder, report=report)
    step(where, 2, f"Measure each of the {len(run.examples)} pairs once, to build the index")
    with reporting(as_json) as report:
        index = build_index(run, report=report)
    step(where, 3, "Ask four questions and see which pairs made the answers")
    return index


def ask(index: "Index", item: dict[str, str], where: "Console", as_json: bool) -> tuple[str, Attribution]:
    """Show the attribution of one question; return its title and attribution."""
    from whence.cli.tables import attribution
    from whence.pipeline import attribute

    with reporting(as_json) as report:
        found = attribute(index, item["question"], report=report)
    where.rule(item["title"], align="left", style="dim")
    show(attribution(found), where)
    where.print()
    return item["title"], found


def farewell(where: "Console", data: Path, folder: Path, seconds: float) -> None:
    """Show how long it took and what to try next."""
    run = shlex.quote(str(folder))
    where.rule(f"done in {duration(seconds)}", align="left", style="dim")
    where.print("Try next, on the same run:")
    where.print(f'  whence ask {run} "Your question?" --opposing', soft_wrap=True)
    where.print("Or use your own pairs, one question and answer per line, like those in")
    where.print(f"  {data}", soft_wrap=True)
    for command in ("check FILE", "train FILE --out runs/mine", "index runs/mine"):
        where.print(f"  whence {command}")
    where.print("Or the page of the service, whose sample uses this run as it is:")
    where.print("  whence up")


def step(where: "Console", number: int, text: str) -> None:
    """Announce a step."""
    where.print(f"{number}. {text}", soft_wrap=True)
