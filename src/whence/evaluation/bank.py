"""The bank: a run's retrainings on parts of its pairs, each made once and kept beside the run.

    <run>/evaluation/retrainings/<key>/manifest.json, weights.safetensors

A retraining is known by the rows it kept and its seed, so whatever asks for one again (another method, another
question, a removal) finds it there. Many processes may fill one bank.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from whence.store.artifact import Manifest, finished, make
from whence.training.retrain import Retrainer
from whence.training.run import Run
from whence.types import Progress, Report, silent

KIND = "retraining"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Draw:
    """Which rows a retraining keeps, in order, and its seed."""

    kept: tuple[int, ...]
    seed: int

    def without(self, rows: int) -> list[int]:
        """The rows of so many that it leaves out."""
        return sorted(set(range(rows)) - set(self.kept))


def random_parts(rows: int, count: int, seed: int, run_seed: int, fraction: float = 0.5) -> list[Draw]:
    """`count` random parts of so many rows. The first n are the same whatever the count: a bank can grow."""
    size = max(1, round(rows * fraction))
    drawn = (random.Random(f"{seed}/{i}").sample(range(rows), size) for i in range(count))
    return [Draw(tuple(sorted(rows)), run_seed) for rows in drawn]


@dataclass(frozen=True)
class Bank:
    """The retrainings of a run."""

    run: Run

    def folder(self, draw: Draw) -> Path:
        """Where a retraining lies."""
        return self.run.folder / "evaluation" / "retrainings" / self._wanted(draw).key[:24]

    def weights(self, draw: Draw) -> dict[str, Tensor]:
        """The weights of a retraining that is there."""
        return load_file(self.folder(draw) / WEIGHTS)

    def missing(self, draws: Iterable[Draw]) -> list[Draw]:
        """Those that have not been made."""
        return [draw for draw in dict.fromkeys(draws) if not finished(self.folder(draw), self._wanted(draw))]

    def fill(self, draws: Sequence[Draw], report: Report = silent, workers: int = 1) -> None:
        """Make every retraining that is missing, in `workers` processes; a killed call goes on with the next.

        Raises:
            TrainingError: the run's recipe is not known, or a loss overflows.
        """
        missing = self.missing(draws)
        done, total = len(set(draws)) - len(missing), len(set(draws))
        report(Progress("retrainings", done, total, "runs"))
        for _ in self._made(missing, workers, report):
            done += 1
            report(Progress("retrainings", done, total, "runs"))

    def _made(self, missing: Sequence[Draw], workers: int, report: Report) -> Iterator[None]:
        if workers < 2 or len(missing) < 2:
            retrainer = Retrainer(self.run)
            for draw in missing:
                yield self._make(retrainer, draw)
            return
        threads = max(1, torch.get_num_threads() // workers)
        context = get_context("spawn")
        with ProcessPoolExecutor(workers, context, _begin, (self.run.folder, threads)) as pool:
            for future in as_completed([pool.submit(_make_one, draw) for draw in missing]):
                yield future.result()

    def _make(self, retrainer: Retrainer, draw: Draw) -> None:
        def work(part: Path) -> dict[str, float]:
            began = monotonic()
            save_file(retrainer.weights(draw.kept, draw.seed), part / WEIGHTS)
            return {"seconds": monotonic() - began}

        make(self.folder(draw), self._wanted(draw), work)

    def _wanted(self, draw: Draw) -> Manifest:
        return Manifest(KIND, {"kept": list(draw.kept), "seed": draw.seed}, {"run": self.run.manifest.key})


_WORKER: list[tuple[Bank, Retrainer]] = []
"""The bank and the base model of a worker process."""


def _begin(folder: Path, threads: int) -> None:
    torch.set_num_threads(threads)
    run = Run.open(folder)
    _WORKER[:] = [(Bank(run), Retrainer(run))]


def _make_one(draw: Draw) -> None:
    bank, retrainer = _WORKER[0]
    bank._make(retrainer, draw)  # pyright: ignore[reportPrivateUsage]
