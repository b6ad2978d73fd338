"""A run as plain files that any library can read: adapter folders, tokens, learning rates, questions with answers."""

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from whence.data.tokenize import tokenize
from whence.gradients.subject import Compute, Subject
from whence.gradients.trajectory import Checkpoint
from whence.levels.lift import own_answers
from whence.training.run import ADAPTER, Run
from whence.training.trace import read_steps
from whence.types import Query, Tokens

BETAS = (0.9, 0.999)
LONG_AGO = 10**6
"""The step at which Adam's bias correction is 1: the recorded second moments have been corrected already."""


@dataclass(frozen=True)
class Question:
    """A question of the benchmark with the answer that is explained. `sources` are 1-based lines of the data."""

    query: Query
    kind: str
    sources: tuple[int, ...]


def subject_of(run: Run) -> Subject:
    """The run's examples and model in memory."""
    return Subject(run.examples, run.trajectory, Compute())


def questions(subject: Subject, path: Path) -> list[Question]:
    """The questions in a file; if one has no answer, the fine-tuned model's own, unless that is empty."""
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    open_rows = [row for row in rows if row["answer"] is None]
    own = iter(own_answers(subject, [Query.of(row["question"], "").messages[:-1] for row in open_rows]))
    found: list[Question] = []
    for place, row in enumerate(rows):
        query = Query.of(row["question"], row["answer"] or "", id=str(place))
        if row["answer"] is None:
            answer = next(own)
            query = replace(Query.of(row["question"], answer.text, id=str(place)), ended=answer.ended)
        if query.answer:
            found.append(Question(query, row["kind"], tuple(row["sources"])))
    return found


def write(run: Run, asked: list[Question], folder: Path, pairs: int | None = None) -> Path:
    """Write JOB.json and the run's adapters into a folder; its path. `pairs`: keep only the first so many."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = run.trajectory
    rows = range(len(run.examples) if pairs is None else pairs)
    steps = read_steps(run.folder / "trace")
    job: dict[str, Any] = {
        "run": str(run.folder.resolve()),
        "base": str(run.base_folder),
        "points": [_point(run, point, folder / "points" / f"checkpoint-{point.step}") for point in path.checkpoints],
        "rates": [row["learning_rate"] for row in steps],
        "order": [row["examples"] for row in steps],
        "batch_size": run.manifest.config["batch_size"],
        "train": [_plain(run.examples.tokens(i)) for i in rows],
        "queries": [_plain(tokenize(question.query, path.tokenizer)) for question in asked],
        "texts": [{"question": question.query.question, "answer": question.query.answer} for question in asked],
        "pad": path.tokenizer.pad_token_id or 0,
    }
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    return folder / "job.json"


def hash_of(job: Path) -> str:
    """The hash of a job: equal jobs give equal scores."""
    return hashlib.sha256(job.read_bytes()).hexdigest()


def _plain(tokens: Tokens) -> dict[str, list[int]]:
    return {"input_ids": list(tokens.input_ids), "labels": list(tokens.labels)}


def _point(run: Run, point: Checkpoint, folder: Path) -> dict[str, Any]:
    """A checkpoint as an adapter folder, with Adam's state if it was recorded."""
    folder.mkdir(parents=True)
    config = json.loads((run.folder / ADAPTER / "adapter_config.json").read_text("utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": str(run.base_folder)}))
    shutil.copy(run.base_folder / "config.json", folder)
    weights = load_file(point.weights)
    plain = {name.replace(".default.", "."): value for name, value in weights.items()}
    save_file(plain, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    if point.moments is not None:
        _write_adam(load_file(point.moments), folder / "optimizer.pt")
    return {"folder": str(folder), "step": point.step, "weight": point.weight}


def _write_adam(moments: dict[str, torch.Tensor], path: Path) -> None:
    """Adam's state in torch's format, only the parts that attribution reads."""
    state = {
        i: {"step": LONG_AGO, "exp_avg_sq": value.float(), "param_name": name}
        for i, (name, value) in enumerate(moments.items())
    }
    torch.save({"state": state, "param_groups": [{"betas": BETAS, "eps": 1e-8, "params": list(state)}]}, path)
