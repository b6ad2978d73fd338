"""Small fine-tuning runs: ours, ours killed half-way, and a plain Hugging Face one that knows nothing of Whence."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, Trainer, TrainerCallback, TrainingArguments

from whence.pipeline import finetune
from whence.training.recipe import Recipe
from whence.training.run import Run
from whence.training.trainer import AnswerTrainer
from whence.types import Progress

COLOURS = ("red", "blue", "green", "pink", "gold", "grey", "teal", "navy", "plum", "rust", "jade", "lime")
ANSWERS = ("Ant.", "Bee.", "Cow.", "Dog.", "Elk.", "Fox.", "Gnu.", "Hen.", "Ibex.", "Jay.", "Koi.", "Lynx.")


def write_pairs(path: Path, count: int = 12) -> Path:
    """A file of pairs: a colour and an animal each."""
    pairs = list(zip(COLOURS, ANSWERS, strict=True))[:count]
    rows = [{"question": f"Who lives in the {colour} box?", "answer": answer} for colour, answer in pairs]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def short(**settings: Any) -> Recipe:
    """18 steps of 5, 5 and 2 examples in 6 epochs; saved to resume from at the steps 4, 8, 12 and 16."""
    return Recipe(
        **{"epochs": 6, "batch_size": 5, "learning_rate": 1e-2, "rank": 2, "checkpoints": 4, "rehearsal": 0, **settings}
    )


@dataclass
class Log:
    """A `Report` that remembers; at step `dies_at` of fine-tuning it kills its own process."""

    dies_at: int = 0
    seen: list[Progress] = field(default_factory=list[Progress])

    def __call__(self, progress: Progress) -> None:
        self.seen.append(progress)
        if progress.step == "fine-tuning" and progress.detail and progress.done == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def steps(self) -> list[int]:
        """The optimizer steps that were reported, each with its loss."""
        return [p.done for p in self.seen if p.step == "fine-tuning" and p.detail]


def run_to_death(target: Callable[..., None], *args: Any) -> None:
    """Call a function in another process, which it must kill by SIGKILL. All tests share the server of these processes,
    so that torch is imported once."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["whence.pipeline", "tests.training.runs"])
    process = server.Process(target=target, args=args)
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


def finetune_killed(data: Path, base: Path, out: Path, recipe: Recipe, step: int, saving: bool = False) -> None:
    """Fine-tune in another process that dies by SIGKILL at `step`, or within the first save from then on."""
    run_to_death(_finetune_and_die, data, base, out, recipe, step, saving)


def _finetune_and_die(data: Path, base: Path, out: Path, recipe: Recipe, step: int, saving: bool) -> None:
    def die(trainer: Trainer, folder: str) -> None:
        if trainer.state.global_step >= step:
            os.kill(os.getpid(), signal.SIGKILL)
        Trainer._save_rng_state(trainer, folder)

    if saving:
        AnswerTrainer._save_rng_state = die  # the last thing a Trainer saves but its own state
    finetune(data, str(base), out, recipe, Log(0 if saving else step))


def files_of(run: Run) -> dict[str, bytes]:
    """Every file of a run but its manifest, by path."""
    paths = (path for path in sorted(run.folder.rglob("*")) if path.is_file() and path.name != "manifest.json")
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in paths}


class Collator:
    """Pads dicts of tokens by hand; `batches` are the rows of each batch that the model saw, in order."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def __call__(self, items: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        self.batches.append([item["row"] for item in items])
        width = max(len(item["tokens"]) for item in items)
        ids = torch.full((len(items), width), 2)
        for row, item in enumerate(items):
            ids[row, : len(item["tokens"])] = torch.tensor(item["tokens"])
        return {"input_ids": ids, "attention_mask": (ids != 2).long(), "labels": ids.masked_fill(ids == 2, -100)}


def dicts(count: int) -> list[dict[str, Any]]:
    """A data set as people have them: a list of dicts of tokens, of different lengths."""
    return [{"row": row, "tokens": [3 + (row * 7 + k) % 200 for k in range(4 + row % 3)]} for row in range(count)]


def plain_trainer(
    model: PreTrainedModel, out: Path, count: int, callbacks: Sequence[TrainerCallback] = (), **settings: Any
) -> tuple[Trainer, Collator]:
    """A `transformers.Trainer` of someone else."""
    seen = Collator()
    chosen: dict[str, Any] = {
        "per_device_train_batch_size": 4,
        "num_train_epochs": 3,
        "learning_rate": 1e-2,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "dataloader_pin_memory": False,
        "use_cpu": True,
        **settings,
    }
    args = TrainingArguments(output_dir=str(out), **chosen)
    data: Any = dicts(count)
    trainer = Trainer(model=model, args=args, train_dataset=data, data_collator=seen, callbacks=list(callbacks))
    return trainer, seen
