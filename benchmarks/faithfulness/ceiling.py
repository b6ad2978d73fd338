"""The best score that is possible on a run: the same halves retrained once more, under another seed.

    python -m benchmarks.faithfulness.ceiling RUN --name NAME [--retrainings 24] [--workers 1]

RUN is one that `python -m benchmarks.faithfulness` made. Missing retrainings of the bank are run first. Writes
`ceiling.json` and `again.npz` beside the other results of NAME (`benchmarks.peers.compare`).
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchmarks.faithfulness.__main__ import tell
from benchmarks.peers.compare import ROOT
from benchmarks.peers.job import questions, subject_of
from benchmarks.peers.truth import made, truth
from whence.evaluation.lds import Lds, ceiling, lds
from whence.retraining.retrainings import Retrainings
from whence.training.run import Run


def agreement(run: Run, count: int, workers: int, kept: Path) -> Lds:
    """The LDS of a second retraining in place of scores, over the first `count` halves; the retrainings are stored."""
    bank, subject = Retrainings(run), subject_of(run)
    draws = made(bank)[:count]
    again = [replace(draw, seed=draw.seed + 1) for draw in draws]
    bank.fill(again, tell, workers)
    asked = questions(subject, run.folder.parent / "queries.jsonl")
    first, second = (truth(bank, subject, asked, seeded) for seeded in (draws, again))
    np.savez_compressed(kept, kept=first.kept, log_probabilities=first.values, again=second.values)
    return lds(second.values, first.values, [question.kind for question in asked])


def main() -> None:
    """Measure it, print it, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--retrainings", type=int, default=24)
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args()
    folder = ROOT / "benchmarks" / "results" / chosen.name
    folder.mkdir(parents=True, exist_ok=True)
    found = agreement(Run.open(chosen.run), chosen.retrainings, chosen.workers, folder / "again.npz")
    scores = {"all": found.overall, **found.by_kind}
    content = {
        "retrainings": chosen.retrainings,
        "again": {kind: asdict(score) for kind, score in scores.items()},
        "ceiling": {kind: ceiling(score.mean) for kind, score in scores.items()},
    }
    (folder / "ceiling.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    for kind, score in scores.items():
        error = np.hypot(score.over_questions or 0.0, score.over_retrainings)
        print(f"{kind:12} another seed {score.mean:.2f} ± {error:.2f}, ceiling {ceiling(score.mean):.2f}")


if __name__ == "__main__":
    main()
