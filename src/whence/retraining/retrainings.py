"""A run's retrainings on subsets of its pairs, each made once and kept beside the run.

    <run>/evaluation/retrainings/<key>/manifest.json, weights.safetensors

A retraining is known by the rows it kept and its seed, so it is reused by any other method, question or removal
that needs it. Several processes may fill the same folder: each skips those in progress.
"""

import os
import signal
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors.torch import load_file, save_file
from torch import Tensor

from whence.errors import TrainingError
from whence.retraining.retrain import Retrainer
from whence.retraining.subsets import Subset
from whence.store.artifact import Manifest, finished, make, read_manifest
from whence.training.run import Run
from whence.types import Progress, Report, silent

KIND = "retraining"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Retrainings:
    """The retrainings of a run."""

    run: Run

    def folder(self, subset: Subset) -> Path:
        """Return the folder of a retraining."""
        return self.run.folder / "evaluation" / "retrainings" / self._wanted(subset).key[:24]

    def weights(self, subset: Subset) -> dict[str, Tensor]:
        """Return the weights of a finished retraining."""
        return load_file(self.folder(subset) / WEIGHTS)

    def missing(self, subsets: Iterable[Subset]) -> list[Subset]:
        """Return the subsets without a finished retraining."""
        return [subset for subset in dict.fromkeys(subsets) if not self._has(subset)]

    def seconds(self, subsets: Iterable[Subset]) -> dict[Subset, float]:
        """Return the duration of each finished retraining, in seconds."""
        there = (subset for subset in dict.fromkeys(subsets) if self._has(subset))
        return {subset: float(read_manifest(self.folder(subset), KIND).facts["seconds"]) for subset in there}

    def fill(self, subsets: Sequence[Subset], report: Report = silent, workers: int = 1) -> None:
        """Make every missing retraining, in `workers` processes; an interrupted call continues with the next one.

        Raises:
            TrainingError: the run's recipe is not known, a loss overflows, or a process dies.
        """
        missing = self.missing(subsets)
        done, total = len(set(subsets)) - len(missing), len(set(subsets))
        report(Progress("retrainings", done, total, "runs"))
        made = self._parallel(missing, workers) if min(workers, len(missing)) > 1 else self._serial(missing)
        with closing(made):  # whatever stops this stops the workers
            for _ in made:
                done += 1
                report(Progress("retrainings", done, total, "runs"))

    def _serial(self, missing: Sequence[Subset]) -> Generator[None]:
        retrainer, busy = Retrainer(self.run), list[Subset]()
        for subset in missing:
            if self.make(retrainer, subset):
                yield
            else:
                busy.append(subset)
        for subset in busy:
            self.make(retrainer, subset, wait=True)
            yield

    def _parallel(self, missing: Sequence[Subset], workers: int) -> Generator[None]:
        context = get_context("spawn")
        threads, stop = max(1, torch.get_num_threads() // workers), context.RawValue("b", 0)
        pool = ProcessPoolExecutor(workers, context, _begin, (self.run.folder, threads, stop))
        try:
            yield from self._each(pool, missing)
        except BrokenProcessPool as error:
            raise TrainingError(
                f"A process must live until its retraining is done, but one of {workers} died: memory may be short. "
                "Use fewer workers; what is finished is kept."
            ) from error
        except BaseException:
            stop.value = 1  # a pool by itself would finish its current tasks
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _each(self, pool: ProcessPoolExecutor, missing: Sequence[Subset]) -> Iterator[None]:
        futures = {pool.submit(_make_one, subset): subset for subset in missing}
        busy = list[Subset]()
        for future in as_completed(futures):
            if future.result():
                yield
            else:
                busy.append(futures[future])
        for _ in pool.map(_wait_for_one, busy):
            yield

    def make(self, retrainer: Retrainer, subset: Subset, wait: bool = False, report: Report = silent) -> bool:
        """Make a retraining; False if another process is at work on it, unless `wait` is set."""

        def work(part: Path) -> dict[str, float]:
            began = time.monotonic()
            save_file(retrainer.weights(subset.kept, subset.seed, report), part / WEIGHTS)
            return {"seconds": time.monotonic() - began}

        folder = self.folder(subset)
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(folder.name + ".lock")
        try:
            with FileLock(lock, timeout=-1 if wait else 0):
                make(folder, self._wanted(subset), work)
                lock.unlink(missing_ok=True)  # a process that waits for it finds the retraining finished
        except Timeout:
            return False
        return True

    def _has(self, subset: Subset) -> bool:
        return finished(self.folder(subset), self._wanted(subset))

    def _wanted(self, subset: Subset) -> Manifest:
        return Manifest(KIND, {"kept": list(subset.kept), "seed": subset.seed}, {"run": self.run.manifest.key})


_WORKER: list[tuple[Retrainings, Retrainer, Any]] = []
"""A worker process's retrainings, base model, and a shared number that is not 0 once the worker must stop."""


def _begin(folder: Path, threads: int, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which stops its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    run = Run.open(folder)
    _WORKER[:] = [(Retrainings(run), Retrainer(run), stop)]


def _end_with_parent() -> None:
    """End this process when its parent ends, for any reason."""
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _go_on(_: Progress) -> None:
    """Stop a worker between two training steps if it must stop; a `Report`."""
    if _WORKER[0][2].value:
        raise KeyboardInterrupt


def _make_one(subset: Subset, wait: bool = False) -> bool:
    retrainings, retrainer, stop = _WORKER[0]
    if stop.value:
        raise KeyboardInterrupt
    return retrainings.make(retrainer, subset, wait, _go_on)


def _wait_for_one(subset: Subset) -> bool:
    return _make_one(subset, wait=True)
