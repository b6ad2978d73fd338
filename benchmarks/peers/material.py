"""Input and output of a peer. Runs in the peers' environment, where Whence is not installed.

    python -m benchmarks.peers.<library> JOB.json OUT.npz VARIANT

JOB.json is written by `benchmarks.peers.job`. OUT.npz holds `scores` [query, train] (positive supports the answer) and
`facts`, JSON: seconds of one processor core to build, per question of all asked at once, and for one asked alone; bytes
stored, peak memory and the settings.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

NO_LOSS = -100


@dataclass(frozen=True)
class Point:
    """A recorded point of the training as an adapter folder, with the sum of its steps' learning rates."""

    folder: str
    step: int
    weight: float


@dataclass(frozen=True)
class Job:
    """A run in plain files. Conversations are `input_ids` and `labels`; `rates` are the learning rates of the steps,
    `order` the rows of each step's batch."""

    base: str
    points: list[Point]
    rates: list[float]
    order: list[list[int]]
    batch_size: int
    train: list[dict[str, list[int]]]
    queries: list[dict[str, list[int]]]
    pad: int
    folder: Path

    @staticmethod
    def read(path: Path) -> "Job":
        """The job in a file."""
        found = json.loads(path.read_text("utf-8"))
        points = [Point(**point) for point in found.pop("points")]
        return Job(points=points, folder=path.parent, **{name: found[name] for name in KEYS})

    @property
    def adapter(self) -> str:
        """The finished adapter: the last point."""
        return self.points[-1].folder

    @cached_property
    def answer_tokens(self) -> float:
        """Tokens that carry loss, per pair on average: the trainer's loss is their mean, a gradient here their sum."""
        return sum(map(answer_tokens, self.train)) / len(self.train)


def answer_tokens(row: Mapping[str, Sequence[int]]) -> int:
    """Tokens of a conversation that carry loss."""
    return sum(label != NO_LOSS for label in row["labels"][1:])


KEYS = ("base", "rates", "order", "batch_size", "train", "queries", "pad")


def load(job: Job, folder: str | None = None) -> PeftModel:
    """The base model in float32 with the adapter on it, in eval mode; only the adapter's weights are trainable."""
    base = AutoModelForCausalLM.from_pretrained(job.base, dtype=torch.float32, attn_implementation="eager")
    return PeftModel.from_pretrained(base, folder or job.adapter, is_trainable=True).eval()


def adapter_layers(model: nn.Module) -> list[str]:
    """Names of the adapter's linear layers, both factors of each."""
    names = (name for name, module in model.named_modules() if isinstance(module, nn.Linear))
    return [name for name in names if ".lora_A." in name or ".lora_B." in name]


def collate(rows: Sequence[Mapping[str, Sequence[int]]], pad: int) -> dict[str, Tensor]:
    """Conversations as one batch, padded on the right."""
    width = max(len(row["input_ids"]) for row in rows)
    ids, labels = torch.full((len(rows), width), pad), torch.full((len(rows), width), NO_LOSS)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        length = len(row["input_ids"])
        ids[i, :length], labels[i, :length] = torch.tensor(row["input_ids"]), torch.tensor(row["labels"])
        mask[i, :length] = 1
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def answer_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """- log p(answer | prompt) of each row, in nats."""
    losses = nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), reduction="none", ignore_index=NO_LOSS
    )
    return losses.view(len(labels), -1).sum(1)


def summed_loss(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """- log p of all answers of a batch together: the gradient of its sum is each row's own."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits
    return answer_losses(logits, batch["labels"]).sum()


@dataclass(frozen=True)
class Outcome:
    """Scores [query, train] and their costs. `one` and `each` are seconds: for a query alone, and
    per query of all at once."""

    scores: np.ndarray
    build: float
    each: float
    one: float
    stored: int
    settings: dict[str, Any]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of the work, and its seconds of processor time: other processes on the machine do not count."""
    began = time.process_time()
    return work(), time.process_time() - began


def bytes_in(*folders: Path) -> int:
    """Bytes of all files in folders."""
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())


def save(outcome: Outcome, path: Path) -> None:
    """Write a contender's outcome, with this process's peak memory in bytes."""
    facts = {name: value for name, value in asdict(outcome).items() if name != "scores"}
    facts["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, scores=outcome.scores.astype(np.float32), facts=json.dumps(facts))


Variant = Callable[[Job], Outcome]


def main(variants: Mapping[str, Variant]) -> None:
    """Run one variant of a library on a job."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("variant", choices=list(variants))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    save(variants[chosen.variant](Job.read(chosen.job.resolve())), chosen.out)
