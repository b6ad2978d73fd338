"""The process of one stage of a job: `python -m whence.engine.work ORDER.json`, what it says on standard output.

It knows no database. It ends with the worker that started it, and resumes what an earlier process left.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from whence import lifeline
from whence.engine.orders import Said, StageOrder
from whence.engine.trouble import said_of
from whence.types import Progress

KINDNESS = 5
"""How much later than the engines a stage is served by the processor."""


def main() -> int:
    """Carry out the order; the exit code is 0 unless it failed."""
    lifeline.hold_on()
    speak = speaker()
    order = StageOrder(**json.loads(Path(sys.argv[1]).read_text("utf-8")))
    os.nice(KINDNESS)
    try:
        with FileLock(f"{order.run}.lock"):  # a process that is just ending with its worker goes first
            facts = STAGES[order.stage](order, Telling(speak))
    except BaseException as error:
        said = said_of(error)
        if said.kind == "fault":
            traceback.print_exc()
        speak(said)
        return 1
    speak(Said(facts=facts))
    return 0


def speaker() -> Callable[[Said], None]:
    """Writes lines to what was standard output; whatever else is printed goes to standard error from now on."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def speak(said: Said) -> None:
        print(json.dumps(said.to_dict(), default=str), file=out, flush=True)

    return speak


class Telling:
    """A `Report` that speaks of each step with the seconds that are left: each epoch, and else every half a second."""

    SPACING = 0.5

    def __init__(self, speak: Callable[[Said], None]) -> None:
        self.speak = speak
        self.step, self.epoch = "", 0
        self.began = self.spoke = 0.0
        self.first = 0

    def __call__(self, progress: Progress) -> None:
        """Say it, if it is due."""
        now = time.monotonic()
        if progress.step != self.step or progress.done < self.first:
            self.step, self.began, self.first, self.spoke = progress.step, now, progress.done, 0.0
        ends, epoch = progress.done >= progress.total, int(progress.detail.get("epoch", 0))
        if ends or epoch != self.epoch or now - self.spoke >= self.SPACING:
            self.spoke, self.epoch = now, epoch
            self.speak(Said(progress=self.told(progress, now)))

    def told(self, progress: Progress, now: float) -> dict[str, Any]:
        """The progress with the seconds that this step will take."""
        done = progress.done - self.first
        left = (now - self.began) / done * (progress.total - progress.done) if done > 0 else None
        return {**{name: getattr(progress, name) for name in ("step", "done", "total", "unit", "detail")}, "left": left}


def train(order: StageOrder, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Fine-tune, or return the run that is there."""
    from whence.pipeline import finetune
    from whence.training.recipe import Recipe

    run = finetune(order.data, order.base_model, order.run, Recipe(**order.recipe), report)
    return {"config": dict(run.manifest.config), **run.manifest.facts}


def index(order: StageOrder, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Build the index, or return the one that is there."""
    from whence.pipeline import build_index

    return dict(build_index(order.run, order.method, report=report).manifest.facts)


def evaluate(order: StageOrder, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Ask some training pairs for their own answers: are they found?"""
    from whence.pipeline import Index, evaluate_recall

    return evaluate_recall(Index.open(order.run, order.method), report=report).to_dict()


def insights(order: StageOrder, report: Callable[[Progress], None]) -> dict[str, Any]:
    """Look for pairs that are suspect, repeated or contradicted, or return what was found."""
    from whence.insights.insights import keep_insights
    from whence.pipeline import Index

    index = Index.open(order.run, order.method)
    return dict(keep_insights(index.run.folder, index.manifest.key, index.evidence, report))


STAGES: dict[str, Callable[[StageOrder, Callable[[Progress], None]], dict[str, Any]]] = {
    "train": train,
    "index": index,
    "evaluate": evaluate,
    "insights": insights,
}

if __name__ == "__main__":
    sys.exit(main())
