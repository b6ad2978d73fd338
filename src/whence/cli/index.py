"""`whence index`: measure every training pair once, of a run or of a model somebody else trained."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import CycloptsError, Parameter

from whence.cli.flags import METHOD, Flag, Json
from whence.cli.output import console, print_json
from whence.cli.progress import reporting
from whence.types import Report

if TYPE_CHECKING:
    from whence.training.run import Run


def index(
    run: Annotated[Path | None, Parameter(name="RUN", help="A folder that `whence train` made.")] = None,
    /,
    *,
    method: Annotated[str, Parameter(metavar="NAME", help="How influence is measured.")] = METHOD,
    base_model: Annotated[
        str | None, Parameter(metavar="NAME", help="Of another's model: what it was trained from.")
    ] = None,
    adapter: Annotated[
        Path | None, Parameter(metavar="DIR", help="Its LoRA adapter, or the whole trained model.")
    ] = None,
    checkpoint: Annotated[
        tuple[Path, ...], Flag, Parameter(metavar="DIR", help="An earlier point of its training; repeat in order.")
    ] = (),
    trace: Annotated[Path | None, Parameter(metavar="DIR", help="What a TraceCallback recorded.")] = None,
    data: Annotated[
        tuple[str, ...], Flag, Parameter(metavar="FILE", help="What it was trained on; repeat for several files.")
    ] = (),
    out: Annotated[Path | None, Parameter(metavar="DIR", help="Where the run goes that is made of all this.")] = None,
    as_json: Json = False,
) -> None:
    """Build the index of a run, which is first made of another's model where one is given."""
    foreign = (base_model, adapter, data, out)
    require_one(run, foreign, any((*foreign, checkpoint, trace)))
    with reporting(as_json) as report:
        from whence.pipeline import build_index

        source = run or imported(base_model, adapter, checkpoint, trace, data, out, report)
        made = build_index(source, method, report=report)
    if as_json:
        facts = made.manifest.facts
        print_json({"run": str(made.run.folder), "index": str(made.folder), "method": method, "facts": facts})
        return
    folder = str(made.run.folder)
    command = shlex.join(
        ["whence", "ask", folder, "Your question?", *([] if method == METHOD else ["--method", method])]
    )
    where = console()
    where.print(f"The {method} index of {len(made.run.examples):,} pairs is in {made.folder}", soft_wrap=True)
    where.print(f"Next: {command}", soft_wrap=True)


def require_one(run: Path | None, foreign: tuple[object, ...], any_foreign: bool) -> None:
    """Raise unless there is either a run or all that another's model takes."""
    if run and any_foreign:
        raise misuse("A run brings its model and data along: give RUN alone, or leave it out.")
    if not run and not all(foreign):
        raise misuse("Give a RUN, or all of --base-model, --adapter, --data and --out.")


def misuse(rule: str) -> CycloptsError:
    """An error of usage."""
    return CycloptsError(msg=rule, command_chain=["index"])


def imported(
    base_model: str | None,
    adapter: Path | None,
    checkpoints: tuple[Path, ...],
    trace: Path | None,
    data: tuple[str, ...],
    out: Path | None,
    report: Report,
) -> "Run":
    """A run made of a model that was trained elsewhere."""
    from whence.pipeline import import_run

    assert base_model
    assert out
    return import_run(
        base_model=base_model,
        data=list(data),
        out=out,
        adapter=adapter,
        checkpoints=checkpoints,
        trace=trace,
        report=report,
    )
