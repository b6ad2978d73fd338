"""The subject that the speed benchmarks share: SmolLM2 fine-tuned on the shipped data set, trained once and kept."""

from functools import cache
from importlib import resources
from pathlib import Path

from whence import pipeline, settings
from whence.gradients.subject import Compute, Subject
from whence.training.run import Run


def helpdesk_run() -> Run:
    """The fine-tuned run, shared with `benchmarks.recall helpdesk`."""
    pairs = Path(str(resources.files("whence") / "samples" / "helpdesk" / "pairs.jsonl"))
    return pipeline.finetune(pairs, out=settings.home() / "benchmarks" / "helpdesk" / "run")


@cache
def helpdesk_subject() -> Subject:
    """The run's examples and model in memory."""
    run = helpdesk_run()
    return Subject(run.examples, run.trajectory, Compute())
