"""The program of a job's child process: carries out the stages that it is sent, one after the other.

    python -m whence.worker.stage_process

Requests arrive on standard input and events leave on standard output, one JSON object per line. It uses no database,
ends with the worker that started it, and resumes what an earlier process left unfinished.
"""

import gc
import json
import os
import shutil
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from whence import child_process
from whence.errors import ArtifactError
from whence.store.artifact import MANIFEST
from whence.types import Progress
from whence.worker.failures import failure_event
from whence.worker.messages import StageEvent, StageRequest

if TYPE_CHECKING:
    from whence.training.recipe import Recipe

NICENESS = 5
"""Priority that a stage gives up to the engines, which people wait for."""


def main() -> None:
    """Carry out requests until standard input is closed."""
    requests: Queue[StageRequest] = Queue()
    child_process.exit_with_parent(lambda line: requests.put(StageRequest(**json.loads(line))))
    emit = emitter()
    os.nice(NICENESS)
    while True:
        emit(carry_out(requests.get(), emit))
        gc.collect()  # the model of this stage, before the next one loads its own


def carry_out(request: StageRequest, emit: Callable[[StageEvent], None]) -> StageEvent:
    """Return the result of a stage, or what made it fail."""
    try:
        with FileLock(f"{request.run}.lock"):  # a process that is just ending with its worker goes first
            return StageEvent(facts=STAGES[request.stage](request, ThrottledReport(emit)))
    except BaseException as error:
        event = failure_event(error)
        if event.kind == "fault":
            traceback.print_exc()
        return event


def emitter() -> Callable[[StageEvent], None]:
    """Return a function that writes events to what is standard output now; prints go to standard error from here on."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(event: StageEvent) -> None:
        print(json.dumps(event.to_dict(), default=str), file=out, flush=True)

    return emit


class ThrottledReport:
    """A `Report` that sends progress with the seconds left: at each epoch, otherwise every half second."""

    SPACING = 0.5

    def __init__(self, emit: Callable[[StageEvent], None]) -> None:
        self.emit = emit
        self.step, self.epoch = "", 0
        self.began = self.sent = 0.0
        self.first = 0

    def __call__(self, progress: Progress) -> None:
        """Send it if it is due."""
        now = time.monotonic()
        if progress.step != self.step or progress.done < self.first:
            self.step, self.began, self.first, self.sent = progress.step, now, progress.done, 0.0
        ends, epoch = progress.done >= progress.total, int(progress.detail.get("epoch", 0))
        if ends or epoch != self.epoch or now - self.sent >= self.SPACING:
            self.sent, self.epoch = now, epoch
            self.emit(StageEvent(progress=self.timed(progress, now)))

    def timed(self, progress: Progress, now: float) -> dict[str, Any]:
        """The progress with the seconds that this step will take."""
        done = progress.done - self.first
        left = (now - self.began) / done * (progress.total - progress.done) if done > 0 else None
        return {**{name: getattr(progress, name) for name in ("step", "done", "total", "unit", "detail")}, "left": left}


def train(request: StageRequest, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Fine-tune, or return the run that is there."""
    from whence.pipeline import finetune
    from whence.training.recipe import Recipe

    recipe = Recipe(**request.recipe)
    if request.earlier:
        copy_if_same(request, Path(request.earlier), recipe)
    run = finetune(request.data, request.base_model, request.run, recipe, report)
    return {"config": dict(run.manifest.config), **run.manifest.facts}


def copy_if_same(request: StageRequest, earlier: Path, recipe: "Recipe") -> None:
    """Copy a finished run and its indexes to the folder of the request, unless it differs or the folder exists."""
    from whence.pipeline import finetune

    run = Path(request.run)
    if run.exists() or not (earlier / MANIFEST).is_file():
        return
    with suppress(ArtifactError):  # it was made otherwise: the request's own is trained
        finetune(request.data, request.base_model, earlier, recipe)
        copy = run.with_name(f"{run.name}.copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(earlier, copy)
        copy.replace(run)


def index(request: StageRequest, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Build the index, or return the one that is there."""
    from whence.pipeline import build_index

    return dict(build_index(request.run, request.method, report=report).manifest.facts)


def evaluate(request: StageRequest, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Check that the index finds training pairs by their own answers."""
    from whence.pipeline import Index, evaluate_recall

    return evaluate_recall(Index.open(request.run, request.method), report=report).to_dict()


def insights(request: StageRequest, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Find suspicious, duplicated and contradicting pairs, or return what was found before."""
    from whence.pipeline import Index, keep_insights

    return dict(keep_insights(Index.open(request.run, request.method), report))


STAGES: dict[str, Callable[[StageRequest, Callable[[Progress], None]], dict[str, Any]]] = {
    "train": train,
    "index": index,
    "evaluate": evaluate,
    "insights": insights,
}

if __name__ == "__main__":
    main()
