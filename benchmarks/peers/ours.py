"""Whence's own methods as a contender: a process of its own, the same questions, the same facts.

    python -m benchmarks.peers.ours JOB.json OUT.npz METHOD

Only the rows of the method are built, without a null: the peers have none either.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whence.gradients.subject import Compute, Subject
from whence.methods.registry import METHODS, method_named, settings_of
from whence.training.run import Run
from whence.types import Query, Tokens, silent


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of the work, and its seconds of processor time, as the peers count them."""
    began = time.process_time()
    return work(), time.process_time() - began


def outcome(run: Run, asked: Sequence[Query], name: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Scores [query, train] of a method at its own settings, and their costs."""
    method = method_named(name)
    subject = Subject(run.examples, run.trajectory, Compute())
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _, build = timed(lambda: method.build(subject, folder, silent))
        stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        _, one = timed(lambda: method.score(subject, folder, asked[:1]))
        scores, every = timed(lambda: method.score(subject, folder, asked))
    facts = {"build": build, "each": every / len(asked), "one": one, "stored": stored, "settings": settings_of(method)}
    return scores, facts | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def queries_of(job: dict[str, Any]) -> list[Query]:
    """The job's questions: text for the methods that read text, tokens for those that compute gradients."""
    pairs = zip(job["texts"], job["queries"], strict=True)
    return [_query(text, Tokens(tuple(row["input_ids"]), tuple(row["labels"]))) for text, row in pairs]


def _query(text: dict[str, str], tokens: Tokens) -> Query:
    query = Query.of(text["question"], text["answer"])
    return Query(query.id, query.messages, tokens=tokens)


def main() -> None:
    """Run one method on a job."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("method", choices=list(METHODS))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    job = json.loads(chosen.job.read_text("utf-8"))
    scores, facts = outcome(Run.open(job["run"]), queries_of(job), chosen.method)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(chosen.out, scores=scores.astype(np.float32), facts=json.dumps(facts))


if __name__ == "__main__":
    main()
