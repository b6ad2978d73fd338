"""`whence index`: measure every training pair once, of a run or of a model somebody else trained."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import CycloptsError, Parameter

from whence.cli.flags import AtLeastOne, Flag, Json, Positive
from whence.cli.foreign import Foreign
from whence.cli.output import console, print_json
from whence.cli.progress import reporting
from whence.types import DEFAULT_METHOD


def index(
    run: Annotated[Path | None, Parameter(name="RUN", help="A folder that `whence train` made.")] = None,
    /,
    *,
    method: Annotated[str, Parameter(metavar="NAME", help="How influence is measured.")] = DEFAULT_METHOD,
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
    stand_in: Annotated[
        bool, Flag, Parameter(negative="--no-stand-in", help="Train again for a path where none is left (or not).")
    ] = True,
    epochs: Annotated[
        int | None, AtLeastOne, Parameter(help="Of the stand-in (else: as was left, or by size).")
    ] = None,
    learning_rate: Annotated[float | None, Positive, Parameter(help="Of the stand-in, the highest.")] = None,
    as_json: Json = False,
) -> None:
    """Build the index of a run, which is first made of another's model where one is given."""
    needed, settings = (base_model, adapter, data, out), (epochs, learning_rate)
    require_one(run, needed, any((*needed, checkpoint, trace, *settings)) or not stand_in)
    alone = stand_in and not checkpoint and trace is None
    if any(settings) and not alone:
        raise misuse("Only a stand-in has epochs and a learning rate: leave out --checkpoint, --trace, --no-stand-in.")
    foreign = None
    if base_model and adapter and out:
        from whence.training.proxy_training import FREE

        recipe = replace(FREE, epochs=epochs, learning_rate=learning_rate) if alone else None
        foreign = Foreign(base_model, adapter, data, out, checkpoint, trace, recipe)
    with reporting(as_json) as report:
        from whence.pipeline import build_index

        if foreign and not as_json:
            foreign.tell_cost(report)
        source = foreign.run(report) if foreign else run
        assert source
        made = build_index(source, method, report=report)
    facts = made.manifest.facts
    if as_json:
        print_json({"run": str(made.run.folder), "index": str(made.folder), "method": method, "facts": facts})
        return
    folder = str(made.run.folder)
    command = shlex.join(
        ["whence", "ask", folder, "Your question?", *([] if method == DEFAULT_METHOD else ["--method", method])]
    )
    where = console()
    where.print(f"The {method} index of {len(made.run.examples):,} pairs is in {made.folder}", soft_wrap=True)
    if gain := facts.get("gain"):
        where.print(f"The model gained {gain:.2f} times as much on its pairs as the stand-in did.", soft_wrap=True)
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
