"""Whence's methods and the peers on one run, checked against its bank of retrainings.

    python -m benchmarks.peers.compare RUN [--name NAME] [--methods …] [--peers …]

RUN is a finished run that was retrained on random halves (`whence.retraining.retrainings`), with `queries.jsonl` beside
its folder.
Writes `benchmarks/results/NAME/`: README.md, results.json, frontier.svg, retrained.npz. A contender's
scores are cached under Whence's home (`benchmarks/peers/NAME/scores`) per job: delete them there after a change to a
method.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import job
from benchmarks.peers.frontier import Dot, frontier
from benchmarks.peers.table import KINDS, Row, markdown
from benchmarks.peers.truth import (
    CLEAR,
    Truth,
    cause_recall,
    causes_among_sources,
    lds,
    made,
    main_causes,
    recall,
    truth,
)
from whence import settings
from whence.methods.registry import METHODS
from whence.retraining.retrainings import Retrainings
from whence.store.artifact import versions
from whence.training.run import Run

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv" / "peers" / "bin" / "python"
VARIANTS = (
    *("kronfluence:identity", "kronfluence:ekfac", "dattri:tracin", "dattri:trak", "dattri:logra"),
    *("bergson:grad_dot", "bergson:grad_cos", "bergson:ekfac", "bergson:trackstar"),
    *("bergson:source", "bergson:source_adam"),
)
QUIET = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class Contender:
    """A method of ours or a variant of a library's."""

    library: str
    variant: str

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return sys.executable if self.library == "ours" else str(PEERS)


def run_one(contender: Contender, given: Path, folder: Path) -> str | None:
    """Run a contender in a process of its own unless its scores are cached; return why it gave none, or None."""
    out = folder / f"{contender.library}-{contender.variant}.npz"
    if out.is_file():
        return None
    part = out.with_name(f"part-{out.name}")
    module = f"benchmarks.peers.{contender.library}"
    command = [contender.python, "-m", module, str(given), str(part), contender.variant]
    print(f"{contender.library} {contender.variant}", file=sys.stderr, flush=True)
    log = out.with_suffix(".log")
    with log.open("w") as stream:
        code = subprocess.run(command, cwd=ROOT, env=os.environ | QUIET, stdout=stream, stderr=stream).returncode
    if code:
        return (log.read_text("utf-8").strip().splitlines() or [f"exit status {code}"])[-1]
    part.rename(out)
    return None


def row_of(
    contender: Contender, folder: Path, asked: Sequence[job.Question], found: Truth, causes: Sequence[int | None]
) -> Row:
    """A contender's row of the table."""
    with np.load(folder / f"{contender.library}-{contender.variant}.npz") as file:
        scores, facts = file["scores"], json.loads(str(file["facts"]))
    rows = {kind: [i for i, question in enumerate(asked) if question.kind == kind] for kind in KINDS}
    by_kind = {kind: lds(scores, found, chosen) for kind, chosen in rows.items() if chosen}
    every = lds(scores, found, range(len(asked)))
    found_again = recall(scores, asked, "paraphrase"), cause_recall(scores, causes)
    return Row(contender.library, contender.variant, every, by_kind, *found_again, facts)


def peer_versions() -> dict[str, str]:
    """Versions of the peers' libraries."""
    names = ("kronfluence", "dattri", "bergson", "torch", "transformers", "peft")
    code = f"import json, importlib.metadata as m; print(json.dumps({{n: m.version(n) for n in {names}}}))"
    return json.loads(subprocess.run([str(PEERS), "-c", code], check=True, capture_output=True, text=True).stdout)


def write(folder: Path, rows: Sequence[Row], facts: dict[str, Any], found: Truth) -> None:
    """Write table, numbers, plot and retrainings."""
    folder.mkdir(parents=True, exist_ok=True)
    dots = [Dot(r.name, r.facts["one"], r.every.mean, r.every.error, r.library == "ours") for r in rows]
    (folder / "README.md").write_text(markdown(rows, facts), "utf-8")
    (folder / "frontier.svg").write_text(frontier(dots, f"{facts['name']}: faithfulness and time"), "utf-8")
    found.save(folder / "retrained.npz")
    content = {"made": facts, "methods": [asdict(row) for row in rows]}
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def compare(run: Run, name: str, contenders: Sequence[Contender], most: int) -> None:
    """Run every contender, then compare it with the bank."""
    work = settings.home() / "benchmarks" / "peers" / name
    subject = job.subject_of(run)
    asked = job.questions(subject, run.folder.parent / "queries.jsonl")
    given = job.write(run, asked, work / "job")
    key = job.hash_of(given)
    scores = work / "scores" / key[:12]
    scores.mkdir(parents=True, exist_ok=True)
    bank = Retrainings(run)
    draws = made(bank, most)
    found = truth(bank, subject, asked, draws)
    del subject
    reasons = {each: run_one(each, given, scores) for each in contenders}
    causes = main_causes(found)
    rows = [row_of(each, scores, asked, found, causes) for each, why in reasons.items() if why is None]
    facts = {
        "name": name,
        "pairs": len(run.examples),
        "questions": dict(Counter(question.kind for question in asked)),
        "retrainings": len(draws),
        "clear": CLEAR,
        "caused": sum(cause is not None for cause in causes),
        "caused_by_source": causes_among_sources(causes, asked, "paraphrase"),
        "run": run.manifest.key,
        "seed": run.manifest.config["seed"],
        "job": key,
        "failed": {f"{each.library} {each.variant}": why for each, why in reasons.items() if why is not None},
        "versions": versions(),
        "peers": peer_versions(),
    }
    write(ROOT / "benchmarks" / "results" / name, rows, facts, found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare on one run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", help="name of the results (default: the run's folder and its parent)")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), help="Whence's methods")
    parser.add_argument("--peers", nargs="*", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--retrainings", type=int, default=256, help="how many of the bank's at most")
    chosen = parser.parse_args(arguments)
    run = Run.open(chosen.run)
    name = chosen.name or f"{run.folder.resolve().parent.name}-{run.folder.resolve().name}"
    ours = [Contender("ours", method) for method in chosen.methods]
    others = [Contender(*peer.split(":")) for peer in chosen.peers]
    compare(run, name, [*ours, *others], chosen.retrainings)


if __name__ == "__main__":
    main()
