"""Recall of attributions: are the pairs that an answer was learned from found, and none if there are none?

    python -m benchmarks.recall helpdesk|facts [--tuning] [--out FOLDER]

Prints one row per method: of the test questions, how many true answers have a source pair among the first three, and as
`high`; how many wrong answers have one (text search cannot know that the model never learned them); of the irrelevant
questions, how many get an empty list. The answers of the fine-tuned model itself are checked for the fact.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import facts
from whence import pipeline, settings
from whence.levels.lift import own_answers
from whence.types import Attribution, Level, Progress, Query

METHODS = ("fisher", "tracin", "grad_cos", "grad_dot", "bm25", "embedding")
FIRST = 3


@dataclass(frozen=True)
class Questions:
    """A data set with known sources."""

    pairs: Path
    tests: list[dict[str, Any]]
    irrelevant: list[str]


@dataclass(frozen=True)
class Recall:
    """The counts of one method."""

    found: int
    high: int
    wrong_found: int
    wrong_any: int
    silent: int
    returned: float


def read(folder: Path, tuning: bool) -> Questions:
    """The questions in a folder: the test set, or with `tuning` the set for choosing settings."""
    names = ("tuning", "irrelevant_tuning") if tuning else ("paraphrases", "irrelevant")
    tests, irrelevant = ([json.loads(line) for line in (folder / f"{n}.jsonl").open(encoding="utf-8")] for n in names)
    return Questions(folder / "pairs.jsonl", tests, [row["question"] for row in irrelevant])


def ask(questions: Sequence[str], answers: Sequence[str]) -> list[Query]:
    """Questions with given answers."""
    return [Query.of(q, a, id=str(i)) for i, (q, a) in enumerate(zip(questions, answers, strict=True))]


def own(index: pipeline.Index, questions: Sequence[str]) -> list[Query]:
    """Questions with the fine-tuned model's own answers."""
    found = own_answers(index.subject, [Query.of(q, "").messages[:-1] for q in questions])
    return [Query.of(q, a.text, ended=a.ended) for q, a in zip(questions, found, strict=True)]


def holds(test: dict[str, Any], answer: str) -> bool:
    """True if an answer states the fact."""
    return any(fact in answer.lower() for fact in test["holds"])


def source_in(result: Attribution, test: dict[str, Any], first: int, high: bool = False) -> bool:
    """True if a source pair is among the first results (as `high`)."""
    chosen = [r for r in result.results[:first] if r.level is Level.HIGH or not high]
    return any(r.line in test["sources"] for r in chosen)


def measure(index: pipeline.Index, data: Questions, irrelevant: Sequence[Query]) -> Recall:
    """The counts of one index."""
    asked = [test["question"] for test in data.tests]
    true = pipeline.attribute_all(index, ask(asked, [t["answer"] for t in data.tests]))
    wrong = pipeline.attribute_all(index, ask(asked, [t["wrong"] for t in data.tests]))
    other = pipeline.attribute_all(index, irrelevant)
    return Recall(
        found=sum(source_in(r, t, FIRST) for r, t in zip(true, data.tests, strict=True)),
        high=sum(source_in(r, t, FIRST, high=True) for r, t in zip(true, data.tests, strict=True)),
        wrong_found=sum(source_in(r, t, FIRST) for r, t in zip(wrong, data.tests, strict=True)),
        wrong_any=sum(bool(r.results) for r in wrong),
        silent=sum(not r.results for r in other),
        returned=sum(len(r.results) for r in true) / len(true),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Fine-tune once, build every index, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=["helpdesk", "facts"])
    parser.add_argument("--tuning", action="store_true", help="use the questions for choosing settings")
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    out: Path = chosen.out or settings.home() / "benchmarks" / chosen.data
    if chosen.data == "facts":
        folder = out / "data"
        facts.write(folder)
    else:
        folder = Path(str(resources.files("whence") / "samples" / "helpdesk"))
    data = read(folder, chosen.tuning)
    table(out, data, chosen.methods)


def table(out: Path, data: Questions, methods: Sequence[str]) -> None:
    """Print the table of a data set."""
    began = time.monotonic()
    run = pipeline.finetune(data.pairs, out=out / "run", report=tell)
    print(f"fine-tuned or reused in {time.monotonic() - began:.0f} s; loss {run.manifest.facts['final_loss']}")
    irrelevant: list[Query] = []
    rows = Table("method", "first 3", "high", "wrong: first 3", "wrong: any", "silent", "returned", "build s", "ask ms")
    for name in methods:
        began = time.monotonic()
        index = pipeline.build_index(run, name, report=tell)
        built = time.monotonic() - began
        if not irrelevant:
            answers = own(index, [test["question"] for test in data.tests])
            right = sum(holds(t, a.answer) for t, a in zip(data.tests, answers, strict=True))
            print(f"own answers that state the fact: {right} of {len(data.tests)}")
            irrelevant = own(index, data.irrelevant)
        began = time.monotonic()
        found = measure(index, data, irrelevant)
        each = (time.monotonic() - began) / (2 * len(data.tests) + len(data.irrelevant)) * 1000
        n, m = len(data.tests), len(data.irrelevant)
        counts = (f"{found.found}/{n}", f"{found.high}/{n}", f"{found.wrong_found}/{n}", f"{found.wrong_any}/{n}")
        rows.add_row(name, *counts, f"{found.silent}/{m}", f"{found.returned:.1f}", f"{built:.0f}", f"{each:.0f}")
    Console(width=110).print(rows)


def tell(progress: Progress) -> None:
    """Print one line at the beginning and end of each step."""
    if progress.done in (0, 1, progress.total):
        print(f"  {progress.step} {progress.done}/{progress.total} {progress.unit}", file=sys.stderr)


if __name__ == "__main__":
    main()
