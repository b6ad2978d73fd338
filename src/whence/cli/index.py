"""`whence index`: measure every training pair once, for a run or for a model that was trained elsewhere."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import CycloptsError, Parameter

from whence.cli.external import Foreign
from whence.cli.flags import AtLeastOne, Flag, Json, Positive
from whence.cli.output import console, print_json
from whence.cli.progress import reporting
from whence.types import DEFAULT_METHOD


def index(
    run: Annotated[Path | None, Parameter(name="RUN", help="Folder of the run.")] = None,
    /,
    *,
    method: Annotated[str, Parameter(metavar="NAME", help="Method of attribution.")] = DEFAULT_METHOD,
    base_model: Annotated[
        str | None, Parameter(metavar="NAME", help="Base model of a model trained elsewhere.")
    ] = None,
    adapter: Annotated[Path | None, Parameter(metavar="DIR", help="Its LoRA adapter, or all of its weights.")] = None,
    checkpoint: Annotated[
        tuple[Path, ...], Flag, Parameter(metavar="DIR", help="An earlier checkpoint; repeat it in order.")
    ] = (),
    trace: Annotated[Path | None, Parameter(metavar="DIR", help="Folder recorded by a TraceCallback.")] = None,
    data: Annotated[
        tuple[str, ...], Flag, Parameter(metavar="FILE", help="Its training data; repeat for several files.")
    ] = (),
    out: Annotated[Path | None, Parameter(metavar="DIR", help="Folder of the run to create.")] = None,
    stand_in: Annotated[
        bool, Flag, Parameter(negative="--no-stand-in", help="Train a stand-in if no trajectory was recorded.")
    ] = True,
    epochs: Annotated[int | None, AtLeastOne, Parameter(help="Epochs of the stand-in (default: by size).")] = None,
    learning_rate: Annotated[float | None, Positive, Parameter(help="Peak learning rate of the stand-in.")] = None,
    as_json: Json = False,
) -> None:
    """Build the index of a run; a model that was trained elsewhere is imported as a run first."""
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
    """Raise unless there is either a run or everything that an import needs."""
    if run and any_foreign:
        raise misuse("A run already has its model and data: give RUN alone, or leave it out.")
    if not run and not all(foreign):
        raise misuse("Give a RUN, or all of --base-model, --adapter, --data and --out.")


def misuse(rule: str) -> CycloptsError:
    """An error of usage, with exit code 2."""
    return CycloptsError(msg=rule, command_chain=["index"])
