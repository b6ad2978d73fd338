"""`whence score`: the raw score of every training pair for every query in a file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from whence.cli.flags import Json, Method, RunFolder
from whence.cli.opening import open_index
from whence.cli.output import console, print_json

if TYPE_CHECKING:
    from whence.pipeline import Index


def score(
    run: RunFolder,
    queries: Annotated[str, Parameter(name="QUERIES", help="Questions with answers, in any data format.")],
    /,
    *,
    out: Annotated[Path, Parameter(metavar="FILE", help="NumPy file to write.")] = Path("scores.npz"),
    method: Method = None,
    as_json: Json = False,
) -> None:
    """Write the score of every training pair for every query."""
    from whence.data.validate import queries as read_queries
    from whence.pipeline import score as scored

    index, asked = open_index(run, method), read_queries(queries)
    scores = scored(index, asked)
    save(out, scores=scores, train_ids=index.run.examples.ids(), query_ids=[query.id for query in asked])
    facts = facts_of(index, out, *scores.shape)
    if as_json:
        print_json(facts)
    else:
        text = (
            f"{facts['queries']:,} queries × {facts['train']:,} pairs ({facts['method']}, {facts['unit']}) are in {out}"
        )
        console().print(text, soft_wrap=True)


def facts_of(index: "Index", out: Path, queries: int, train: int) -> dict[str, Any]:
    """The facts about the written file, for a program."""
    method = index.method
    return {"out": str(out), "queries": queries, "train": train, "method": method.name, "unit": method.unit}


def save(path: Path, **arrays: Any) -> None:
    """Write a NumPy archive atomically: a reader sees either all of it or the previous one."""
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    os.replace(part, path)
