"""Building an index ÷ the forward and backward passes that it needs, on the same batches.

    python -m benchmarks.build [--rows 64] [--repetitions 5]

The limit: log p(answer) forward, and backward to the inputs of every measured layer, without capture.
"""

import argparse

import torch

from benchmarks.subject import helpdesk_subject
from benchmarks.timing import ratio
from whence.gradients.capture import only_inputs_need_gradients
from whence.gradients.likelihood import batches
from whence.gradients.measurement import collate, log_probabilities
from whence.gradients.subject import Subject, example_tokens
from whence.methods.fisher import FisherInfluence
from whence.methods.sketched_rows import GradientSpec, embed
from whence.types import Tokens


def passes_alone(subject: Subject, items: list[Tokens]) -> None:
    """Forward and backward of every batch, without capture."""
    path = subject.trajectory
    for chosen in batches(items, subject.compute.batch_rows):
        batch = collate([items[i] for i in chosen], 0, subject.compute.padding, path.device)
        with only_inputs_need_gradients(path.model), torch.enable_grad():
            log_probabilities(path.model, batch).sum().backward()


def main() -> None:
    """Print the ratio for the default method's capture at one checkpoint."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=5)
    chosen = parser.parse_args()
    subject = helpdesk_subject()
    items = example_tokens(subject, range(min(chosen.rows, len(subject.examples))))
    method, path = FisherInfluence(), subject.trajectory
    for adam in (True, False):
        spec = GradientSpec((path.checkpoints[2],), method.sketch, method.seed, adam)
        path.move_to(spec.checkpoints[0])
        work = {
            "capture": lambda spec=spec: embed(path, spec, items, subject.compute),
            "passes alone": lambda: passes_alone(subject, items),
        }
        found, seconds = ratio(work, chosen.repetitions)
        metric = "Adam's metric" if adam else "plain metric"
        print(f"index build ÷ forward and backward alone, {metric}, {len(items)} examples: {found:.2f}  {_of(seconds)}")


def _of(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())


if __name__ == "__main__":
    main()
