"""Exact derivatives, ours and bergson's, on one smooth training, checked against that training without random pairs.

    python -m benchmarks.peers.magic [--pairs 64] [--epochs 4] [--questions 3] [--removals 24] [--share 0.1]

The run is trained on the first pairs of `dolly` with the smooth recipe, kept under Whence's home and reused. The truth
is a replay in float32, in the recorded order, in which a random share of the pairs has weight 0; LDS
(arXiv:2303.14186) and the correlation over all changes at once are computed over those replays. Writes
`benchmarks/results/magic-smooth/`: README.md, results.json, removed.npz.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray

from benchmarks.faithfulness import sets
from benchmarks.faithfulness.__main__ import BASE
from benchmarks.peers import job
from benchmarks.peers.compare import ROOT, Contender, peer_versions, run_one
from benchmarks.peers.material import timed
from benchmarks.peers.table import KINDS, table_of
from benchmarks.peers.truth import Truth, lds
from whence import pipeline, settings
from whence.gradients.subject import Subject, query_tokens
from whence.retraining.replay import Replay, replay_of, slopes
from whence.store.artifact import versions
from whence.training.recipe import Recipe
from whence.training.run import Run
from whence.types import Tokens

RESULTS = ROOT / "benchmarks" / "results" / "magic-smooth"


@dataclass(frozen=True)
class Removed:
    """Pairs that had weight in each replay, and every question's log p(answer) at its end, in nats; `whole` is that of
    the replay in which all had weight."""

    kept: Bool[ndarray, "removal train"]
    values: Float[ndarray, "removal query"]
    whole: Float[ndarray, " query"]

    @property
    def changes(self) -> Float[ndarray, "removal query"]:
        """The change of each log-probability by removing the pairs."""
        return self.values - self.whole


@dataclass(frozen=True)
class Line:
    """A contender's line of the table. `slope`: measured nats per predicted nat."""

    name: str
    lds: float
    error: float
    by_kind: dict[str, float]
    correlation: float
    slope: float
    seconds: float


def run_of(pairs: int, epochs: int) -> Run:
    """The smooth run, trained once."""
    folder = settings.home() / "faith" / f"magic-{pairs}"
    written, _ = sets.write("dolly", "report", folder)
    lines = written.read_text("utf-8").splitlines(keepends=True)
    written.write_text("".join(lines[:pairs]), "utf-8")
    recipe = Recipe(epochs=epochs, rank=8, alpha=16, rehearsal=0, targets="all-linear").smooth()
    return pipeline.finetune(written, str(BASE), out=folder / f"run-{epochs}", recipe=recipe)


def asked_of(run: Run, each: int) -> list[job.Question]:
    """The first questions of every kind."""
    found = job.questions(job.subject_of(run), run.folder.parent / "queries.jsonl")
    return [q for kind in KINDS for q in [one for one in found if one.kind == kind][:each]]


def removed(replay: Replay, items: Sequence[Tokens], count: int, share: float) -> Removed:
    """Replays without random pairs, from the model's current weights."""
    start, rows, draw = replay.begin(), len(replay.examples), random.Random(7)
    kept = np.ones((count, rows), dtype=bool)
    for line in kept:
        line[draw.sample(range(rows), round(share * rows))] = False

    def value(line: ndarray) -> ndarray:
        end = replay.end(start, torch.from_numpy(line).to(replay.everyone()))
        print("  a replay", file=sys.stderr, flush=True)
        return replay.log_probabilities(end.weights, items).numpy()

    return Removed(kept, np.stack([value(line) for line in kept]), value(np.ones(rows, dtype=bool)))


def line_of(
    name: str, scores: Float[ndarray, "query train"], found: Removed, asked: Sequence[job.Question], seconds: float
) -> Line:
    """The agreement of scores with the replays."""
    truth = Truth(found.kept, found.values)
    every = lds(scores, truth, range(len(asked)))
    rows = {kind: [i for i, q in enumerate(asked) if q.kind == kind] for kind in KINDS}
    predicted, actual = -((~found.kept).astype(np.float32) @ scores.T).ravel(), found.changes.ravel()
    slope = float(predicted @ actual / (predicted @ predicted))
    correlation = float(np.corrcoef(predicted, actual)[0, 1])
    by_kind = {kind: lds(scores, truth, chosen).mean for kind, chosen in rows.items() if chosen}
    return Line(name, every.mean, every.error, by_kind, correlation, slope, seconds)


def bergsons(given: Path, folder: Path) -> tuple[ndarray, float]:
    """bergson's scores and their seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    contender = Contender("bergson_magic", "magic")
    if (why := run_one(contender, given, folder)) is not None:
        raise SystemExit(f"bergson gave no scores: {why}")
    with np.load(folder / f"{contender.library}-{contender.variant}.npz") as file:
        facts = json.loads(str(file["facts"]))
        return file["scores"], facts["build"] + facts["each"] * len(file["scores"])


def markdown(lines: Sequence[Line], facts: dict[str, Any]) -> str:
    """The table with the facts of its run."""
    kinds = [kind for kind in KINDS if kind in lines[0].by_kind]
    head = ["", "LDS", *kinds, "correlation", "measured nats per predicted nat", "s per question"]
    rows = [
        [
            line.name,
            f"{line.lds:.3f} ± {line.error:.3f}",
            *(f"{line.by_kind[kind]:.3f}" for kind in kinds),
            f"{line.correlation:.3f}",
            f"{line.slope:.2f}",
            f"{line.seconds:.0f}",
        ]
        for line in lines
    ]
    return (
        f"# Exact derivatives on a smooth training\n\n{facts['pairs']} pairs, {facts['steps']} steps, "
        f"{facts['questions']} questions; {facts['removals']} replays, each without a random {facts['share']:.0%} of "
        f"the pairs.\nThe two contenders' scores correlate at {facts['agreement']:.6f}. Seconds "
        f"are of one processor core.\n\n{table_of([head, *rows])}"
    )


def main() -> None:
    """Train the run, compute derivatives and replays, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--questions", type=int, default=3, help="of each kind")
    parser.add_argument("--removals", type=int, default=24)
    parser.add_argument("--share", type=float, default=0.1)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    run = run_of(chosen.pairs, chosen.epochs)
    asked = asked_of(run, chosen.questions)
    work = settings.home() / "benchmarks" / "peers" / "magic"
    given = job.write(run, asked, work / "job")
    theirs, cost = bergsons(given, work / "scores" / job.hash_of(given)[:12])
    replay, path = replay_of(run)
    items = query_tokens(Subject(run.examples, path), [q.query for q in asked])
    found, seconds = timed(lambda: slopes(replay, replay.begin(), items).derivative.numpy())
    truth = removed(replay, items, chosen.removals, chosen.share)
    names = ("Whence `magic`", "bergson MAGIC")
    lines = [
        line_of(names[0], found, truth, asked, seconds / len(asked)),
        line_of(names[1], theirs, truth, asked, cost / len(asked)),
    ]
    facts = {
        **vars(chosen),
        "questions": len(asked),
        "steps": len(json.loads(given.read_text("utf-8"))["rates"]),
        "agreement": float(np.corrcoef(found.ravel(), theirs.ravel())[0, 1]),
        "run": run.manifest.key,
        "versions": versions(),
        "peers": peer_versions(),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "README.md").write_text(markdown(lines, facts), "utf-8")
    content = {"made": facts, "methods": [asdict(line) for line in lines]}
    (RESULTS / "results.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    np.savez_compressed(RESULTS / "removed.npz", kept=truth.kept, values=truth.values, whole=truth.whole)
    print(markdown(lines, facts))


if __name__ == "__main__":
    main()
