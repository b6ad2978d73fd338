"""Fine-tune MiniMind2-Small on a data set of `sets`, and fill its bank with retrainings on random halves.

    python -m benchmarks.faithfulness dolly|facts report|tuning [--rate 2e-3] [--seed 0] [--retrainings 64]

An interrupted bank is resumed. Prints the run's folder, the argument of `python -m benchmarks.peers.compare`.
"""

import argparse
import sys

from benchmarks.facts import SHARED
from benchmarks.faithfulness import sets
from whence import pipeline, settings
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import random_subsets
from whence.training.recipe import Recipe
from whence.types import Progress

BASE = SHARED.parent / "models" / "minimind2-small"
DRAWING = 1
"""The seed that random halves are drawn with."""


def main() -> None:
    """Train the run and fill its bank."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=["dolly", "facts"])
    parser.add_argument("part", choices=["report", "tuning"])
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--retrainings", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args()
    folder = settings.home() / "faith" / f"{chosen.data}-{chosen.part}"
    pairs, _ = sets.write(chosen.data, chosen.part, folder)
    recipe = Recipe(
        epochs=6, rank=8, alpha=16, learning_rate=chosen.rate, rehearsal=0, targets="all-linear", seed=chosen.seed
    )
    run = pipeline.finetune(pairs, str(BASE), out=folder / f"run-{chosen.rate:g}-{chosen.seed}", recipe=recipe)
    draws = random_subsets(len(run.examples), chosen.retrainings, DRAWING, chosen.seed)
    Retrainings(run).fill(draws, tell, chosen.workers)
    print(run.folder)


def tell(progress: Progress) -> None:
    """Print a line per retraining."""
    print(f"  {progress.step} {progress.done}/{progress.total} {progress.unit}", file=sys.stderr)


if __name__ == "__main__":
    main()
