"""Agreement of a proxy training's trajectory with the recorded one: the rank correlation of their scores.

    python -m benchmarks.stand_in [--pairs 40]

MiniMind2-Small is fine-tuned on short Dolly pairs; its adapter alone is then imported: without a proxy, with a
proxy of the same recipe under another seed, and with one whose epochs and learning rate are chosen by the number of
pairs. Each index's scores for the same answers are compared with those of the recorded run.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.facts import SHARED
from benchmarks.faithfulness.sets import dolly
from whence import pipeline, settings
from whence.levels.lift import own_answers
from whence.training.recipe import Recipe
from whence.training.run import Run
from whence.types import Message, Query

BASE = SHARED.parent / "models" / "minimind2-small"
RECIPE = Recipe(epochs=6, rank=8, alpha=16, learning_rate=2e-3, rehearsal=0, targets="all-linear")
ASKED = 12


def main() -> None:
    """Train the runs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40)
    count = parser.parse_args().pairs
    folder = settings.home() / "stand-in" / str(count)
    rows = dolly("report")[0]
    path = write(rows[:count], folder)
    run = pipeline.finetune(path, str(BASE), folder / "recorded", RECIPE)
    asked = {"training": [q for q, _ in rows[:ASKED]], "new": [q for q, _ in rows[-ASKED:]]}
    queries = {kind: answered(run, questions) for kind, questions in asked.items()}
    found = {name: scores(made, queries) for name, made in runs(run, path, folder).items()}
    print(f"{count} pairs; Spearman's correlation with the recorded run's scores, mean over {ASKED} answers of a kind")
    for name, each in found.items():
        print(f"{name:28}" + "".join(f"  {kind} {agreement(each[kind], found['recorded'][kind])}" for kind in queries))


def write(rows: list[tuple[str, str]], folder: Path) -> Path:
    """A file of pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"question": question, "answer": answer}) + "\n" for question, answer in rows)
    (folder / "pairs.jsonl").write_text("".join(lines), "utf-8")
    return folder / "pairs.jsonl"


def runs(recorded: Run, path: Path, folder: Path) -> dict[str, Run]:
    """The recorded run, and its adapter imported in each way."""
    ways: dict[str, Any] = {
        "the finished adapter alone": False,
        "proxy, another seed": Recipe(epochs=6, learning_rate=2e-3, rehearsal=0, seed=1),
        "proxy, recipe unknown": True,
    }
    adapter = recorded.folder / "adapter"
    made = {
        name: pipeline.import_run(str(BASE), path, folder / f"way-{place}", adapter, stand_in=way)
        for place, (name, way) in enumerate(ways.items())
    }
    return {"recorded": recorded, **made}


def answered(run: Run, questions: list[str]) -> list[Query]:
    """The questions with the fine-tuned model's own answers."""
    subject = pipeline.build_index(run).subject
    answers = own_answers(subject, [[Message("user", question)] for question in questions], 32)
    return [Query.of(q, s.text, ended=s.ended) for q, s in zip(questions, answers, strict=True) if s.text]


def scores(run: Run, queries: dict[str, list[Query]]) -> dict[str, np.ndarray]:
    """The default method's scores of every kind of query."""
    index = pipeline.build_index(run)
    print(f"{run.folder.name}: {index.manifest.facts}", flush=True)
    return {kind: pipeline.score(index, asked) for kind, asked in queries.items()}


def agreement(one: np.ndarray, other: np.ndarray) -> str:
    """Mean rank correlation with its standard error, and how often the same pair comes first."""
    each = np.array([spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)])
    first = int((one.argmax(1) == other.argmax(1)).sum())
    return f"{each.mean():.2f} ± {each.std(ddof=1) / len(each) ** 0.5:.2f}, first {first}/{len(each)}"


if __name__ == "__main__":
    main()
