"""Runs: fine-tuned here, or made of a model that was tuned elsewhere."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from whence.data.hub import is_hub
from whence.data.table import write_table
from whence.data.validate import Source, check, load, require_valid
from whence.errors import ModelError
from whence.models.base import context_length, load_tokenizer, resolve
from whence.store.artifact import make
from whence.training.fit import fit_run
from whence.training.imported import hash_trace, hash_weights, import_weights, is_adapter
from whence.training.proxy_training import FREE, proxy_recipe, train_proxy
from whence.training.recipe import Recipe
from whence.training.run import EXAMPLES, Run, default_run, run_manifest
from whence.types import DEFAULT_MODEL, Report, silent


def finetune(
    data: Source | Sequence[Source],
    base_model: str = DEFAULT_MODEL,
    out: str | Path | None = None,
    recipe: Recipe | None = None,
    report: Report = silent,
) -> Run:
    """Fine-tune a base model on question/answer data and keep the trace; a finished run is returned as it is.

    A killed run resumes at its last checkpoint when called again with the same arguments.

    Raises:
        DataError: the data break a rule; all bad lines are listed, before anything is computed.
        ModelError: the base model cannot be had.
        ArtifactError: `out` holds another run.
    """
    files, base = sources(data), resolve(base_model, report)
    recipe = recipe or Recipe()
    length = min(recipe.max_length or context_length(base), context_length(base))
    tokenizer = load_tokenizer(base)
    found = check(files, tokenizer, None if recipe.truncate else length)
    require_valid(found)
    chosen = recipe.for_examples(found.examples)
    folder = Path(out) if out else default_run(files[0])
    wanted = run_manifest(base_model, base, files, asdict(chosen))

    def work(part: Path) -> dict[str, Any]:
        if not (part / EXAMPLES).exists():
            pairs = load(files, tokenizer, max_length=length, truncate=chosen.truncate)
            write_table(part / EXAMPLES, pairs)
        facts = fit_run(part, base, tokenizer, chosen, report)
        return {**facts, "examples": found.examples, "tokens": asdict(found.tokens) if found.tokens else None}

    return Run(folder, make(folder, wanted, work))


def import_run(
    base_model: str,
    data: Source | Sequence[Source],
    out: str | Path,
    adapter: str | Path | None = None,
    checkpoints: Sequence[str | Path] = (),
    trace: str | Path | None = None,
    report: Report = silent,
    stand_in: bool | Recipe = True,
) -> Run:
    """A run made of a model that was fine-tuned elsewhere, ready for `build_index`.

    `adapter` is the finished model: a LoRA adapter, or a whole fine-tuned checkpoint. `checkpoints` are earlier
    points of its training in order; `trace` is what `TraceCallback` recorded instead. Where there is neither, the base
    model is trained again on the same pairs for a path, unless `stand_in` is False; a `Recipe` says how, but for what
    the adapter tells itself. A killed call resumes that when it is made again with the same arguments.

    Raises:
        DataError: the data break a rule.
        ModelError: adapter, checkpoints and base model do not fit together.
        TrainingError: there is no room for a stand-in.
    """
    if adapter is None:
        raise ModelError("A finished model is needed: name its adapter or checkpoint folder with --adapter.")
    if trace is not None and checkpoints:
        raise ModelError("A trace has the checkpoints itself: give --trace or --checkpoint, not both.")
    given = said_of_stand_in(stand_in, bool(checkpoints) or trace is not None)
    finished, files, base = Path(adapter), sources(data), resolve(base_model, report)
    tokenizer, length = load_tokenizer(base), context_length(base)
    found = check(files, tokenizer, length)
    require_valid(found)
    points, full = [finished, *map(Path, checkpoints)], not is_adapter(finished)
    recipe = proxy_recipe(finished, full, found.examples, given) if given else None
    made = {"stand_in": asdict(recipe)} if recipe else {}
    wanted = run_manifest(base_model, base, files, {"full": full, "imported": True, **made})
    weights = {f"weights {place}: {point.name}": hash_weights(point) for place, point in enumerate(points, start=1)}
    if trace is not None:
        weights["trace"] = hash_trace(Path(trace))
    wanted = replace(wanted, inputs={**wanted.inputs, **weights})

    def work(part: Path) -> dict[str, Any]:
        if not (part / EXAMPLES).exists():
            write_table(part / EXAMPLES, load(files, tokenizer, max_length=length))
        import_weights(base, finished, points[1:], Path(trace) if trace else None, part, alone=recipe is not None)
        facts = train_proxy(part, base, tokenizer, recipe, report) if recipe else {}
        return {**facts, "examples": found.examples, "tokens": asdict(found.tokens) if found.tokens else None}

    return Run(Path(out), make(Path(out), wanted, work))


def sources(data: Source | Sequence[Source]) -> list[Source]:
    """One source or several, as a list; files as paths, hub data sets as they are."""
    given = [data] if isinstance(data, str | Path) else list(data)
    return [source if isinstance(source, str) and is_hub(source) else Path(source) for source in given]


def said_of_stand_in(stand_in: bool | Recipe, known: bool) -> Recipe | None:
    """How a stand-in is to be trained, None where there is to be none; `known`: the path is, or some of it."""
    if known and isinstance(stand_in, Recipe):
        raise ModelError("A stand-in is for a model without its path: give a recipe, or --trace or --checkpoint.")
    return None if known or stand_in is False else FREE if stand_in is True else stand_in
