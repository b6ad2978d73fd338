"""One fine-tuning run with the Hugging Face Trainer: deterministic by seed, resumed at its last checkpoint."""

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import (
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_utils import get_last_checkpoint

from whence.data.table import ExampleTable
from whence.errors import TrainingError
from whence.gradients.measurement import Batch, answer_logits, collate
from whence.models.quiet import quiet
from whence.training.recipe import Recipe
from whence.training.rehearsal import NOTHING, Rehearsal, rehearse
from whence.training.trace import TraceCallback, evenly_spaced
from whence.types import Progress, Report, Tokens

RESUME = "resume"


class Trained(Protocol):
    """The examples of a fine-tuning run, as tokens."""

    def __len__(self) -> int: ...

    def tokens(self, index: int) -> Tokens:
        """Return the tokens of one example."""
        ...


class Rows(Dataset[int]):
    """The row numbers of the examples: the collator reads the tokens, so that the order is that of the sampler."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        return index


class AnswerTrainer(Trainer):
    """A Trainer whose loss is the mean over the batch's answer tokens: of -log p(token) in nats for the examples, and
    of the divergence from the base model for rehearsed items."""

    def __init__(self, rehearsal: Rehearsal, **settings: Any) -> None:
        super().__init__(**settings)
        self.rehearsal = rehearsal

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Tensor:
        """Return the loss of one batch, whose last rows are rehearsed."""
        items: list[int] = inputs.pop("rehearsed").tolist()
        batch = Batch(**inputs)
        logits = answer_logits(model, batch)
        own = batch.owner < batch.rows - len(items)
        total = nn.functional.cross_entropy(logits[own], batch.targets[own], reduction="sum")
        if items:
            total = total + self.rehearsal.divergence(logits[~own], items).sum()
        return total / len(batch.owner)


class StepReporter(TrainerCallback):
    """Reports each step, and stops a run whose loss is no longer a number."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.began = time.monotonic()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Report the beginning, or the step at which the run resumes."""
        self.report(Progress("fine-tuning", state.global_step, state.max_steps, "steps"))

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Report a logged step."""
        logs = kwargs.get("logs") or {}
        if "loss" not in logs:
            return
        if not torch.isfinite(torch.tensor(float(logs["loss"]))):
            raise TrainingError(
                f"The loss became {logs['loss']} at step {state.global_step}. Try a smaller --learning-rate."
            )
        detail = {"loss": float(logs["loss"]), "epoch": float(state.epoch or 0)}
        self.report(Progress("fine-tuning", state.global_step, state.max_steps, "steps", detail))


def train(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    examples: ExampleTable,
    recipe: Recipe,
    folder: Path,
    report: Report,
) -> Mapping[str, Any]:
    """Train `model` in place on all examples, write the trace to `folder`, and return the facts.

    The state for resuming stays in `<folder>/resume`: remove it once the weights are saved.

    Raises:
        TrainingError: the loss overflows.
    """
    trace = TraceCallback(folder, recipe.checkpoints)
    rehearsal = rehearse(model, tokenizer, report) if recipe.rehearsal else NOTHING
    trainer = trainer_of(
        model,
        tokenizer,
        examples,
        recipe,
        rehearsal,
        arguments(recipe, folder, len(examples)),
        [trace, StepReporter(report)],
    )
    with quiet():
        trainer.train(resume_from_checkpoint=last_resumable(folder / RESUME))
    losses = [row["loss"] for row in trace.rows if row["loss"] == row["loss"]]
    return {"steps": len(trace.rows), "final_loss": losses[-1] if losses else None}


def trainer_of(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    examples: Trained,
    recipe: Recipe,
    rehearsal: Rehearsal,
    settings: TrainingArguments,
    callbacks: Sequence[TrainerCallback],
) -> AnswerTrainer:
    """Return the trainer of a recipe, ready to train `model` in place on all examples."""
    trainer = AnswerTrainer(
        rehearsal,
        model=model,
        args=settings,
        train_dataset=Rows(len(examples)),
        data_collator=collator(examples, tokenizer, rehearsal, recipe.rehearsal),
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def arguments(recipe: Recipe, folder: Path, count: int, resumable: bool = True) -> TrainingArguments:
    """Return the recipe as the Trainer's arguments; `resumable`: save the state for resuming."""
    assert recipe.epochs
    assert recipe.batch_size
    assert recipe.learning_rate
    steps = recipe.steps(count)
    spacing = max(1, steps // max(1, len(evenly_spaced(steps, recipe.checkpoints))))
    return TrainingArguments(
        output_dir=str(folder / RESUME),
        per_device_train_batch_size=recipe.batch_size,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=int(recipe.warmup * steps),
        weight_decay=0.0,
        max_grad_norm=1.0,
        optim="adamw_torch",
        seed=recipe.seed,
        data_seed=recipe.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,  # it would log the mean of earlier losses instead of a NaN
        save_strategy="steps" if resumable else "no",
        save_steps=spacing,
        save_total_limit=1,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        use_cpu=not torch.cuda.is_available(),
    )


def collator(
    examples: Trained, tokenizer: PreTrainedTokenizerBase, rehearsal: Rehearsal, count: int
) -> Callable[[Sequence[int]], dict[str, Tensor]]:
    """Return a function from row numbers to the fields of a padded batch, with `count` rehearsed items at its end."""
    pad = tokenizer.pad_token_id
    assert isinstance(pad, int)

    def collate_rows(rows: Sequence[int]) -> dict[str, Tensor]:
        chosen = rehearsal.chosen(rows, count)
        items = [*(examples.tokens(row) for row in rows), *(rehearsal.items[i] for i in chosen)]
        batch = collate(items, pad, "right", torch.device("cpu"))
        return {**vars(batch), "rehearsed": torch.tensor(chosen, dtype=torch.long)}

    return collate_rows


def last_resumable(folder: Path) -> str | None:
    """Return the newest complete checkpoint, or None to start from the beginning."""
    if not folder.is_dir():
        return None
    while (found := get_last_checkpoint(str(folder))) is not None:
        if is_whole(Path(found)):
            return found
        shutil.rmtree(found)
    return None


def is_whole(checkpoint: Path) -> bool:
    """Return True if a checkpoint is complete: the trainer's state is written last."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return True
