"""The trace of a fine-tuning run: the examples and learning rate of each step, and points of the trajectory.

    steps.parquet                       step, learning_rate, loss, examples (row numbers of the data set);
                                        the loss is the trainer's own, with any terms it adds to the examples' loss
    checkpoint-000120/weights.safetensors    the trained weights, by parameter name
    checkpoint-000120/moments.safetensors    Adam's second moments, bias-corrected, bfloat16

`TraceCallback` records it in any Hugging Face `Trainer`.
"""

import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, Sampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from whence.errors import TrainingError
from whence.gradients.trajectory import Checkpoint
from whence.models.adapter import trainable_weights

STEPS = "steps.parquet"
SCHEMA = pa.schema(
    [("step", pa.int64()), ("learning_rate", pa.float64()), ("loss", pa.float64()), ("examples", pa.list_(pa.int64()))]
)


@dataclass
class Order(Sampler[int]):
    """A sampler that forwards the indices of another one and remembers those of the current epoch."""

    inner: Sampler[int]
    drawn: list[int] = field(default_factory=list[int])

    def __iter__(self) -> Iterator[int]:
        self.drawn = drawn = list[int]()
        for index in self.inner:
            drawn.append(index)
            yield index

    def __len__(self) -> int:
        return len(self.inner)  # pyright: ignore[reportArgumentType]

    def set_epoch(self, epoch: int) -> None:
        """Pass the epoch to a sampler whose order depends on it."""
        if hasattr(self.inner, "set_epoch"):
            self.inner.set_epoch(epoch)  # pyright: ignore[reportAttributeAccessIssue]


class TraceCallback(TrainerCallback):
    """Records the trace of a `transformers.Trainer` run into `<folder>/trace`.

    `checkpoints` points are recorded, evenly spaced over the run, besides its start. A run resumed from one of the
    trainer's own checkpoints continues the trace in the folder; a run from the beginning replaces it.
    """

    def __init__(self, folder: str | Path, checkpoints: int = 6) -> None:
        if checkpoints < 1:
            raise TrainingError(f"A trace needs at least one checkpoint, not {checkpoints}. Leave it out for 6.")
        self.folder = Path(folder) / "trace"
        self.checkpoints = checkpoints
        self.rows: list[dict[str, Any]] = []
        self.order: Order | None = None
        self.due: set[int] = set()
        self.rate = math.nan
        self.batch_size = self.batches = self.accumulated = 1

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Plan the checkpoints, watch the order of the examples, save the start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.due = evenly_spaced(state.max_steps, self.checkpoints)
        loader = kwargs["train_dataloader"]
        self.order = watch_order(loader)
        if self.order is not None:
            self.batch_size, self.batches = loader.batch_sampler.batch_size, len(loader)
        self.accumulated = args.gradient_accumulation_steps
        forget_after(self.folder, state.global_step)
        self.rows = [row for row in read_steps(self.folder) if row["step"] <= state.global_step]
        if state.global_step == 0:
            write_checkpoint(self.folder, 0, kwargs["model"], None)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Record the learning rate of the coming step."""
        self.rate = float(kwargs["optimizer"].param_groups[0]["lr"])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Record the step; save a checkpoint if one is due."""
        self.rows.append(
            {"step": state.global_step, "learning_rate": self.rate, "loss": math.nan, "examples": self._drawn(state)}
        )
        if state.global_step in self.due:
            write_checkpoint(self.folder, state.global_step, kwargs["model"], kwargs["optimizer"])
            write_steps(self.folder, self.rows)
        self._before_save(control)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Record the loss that the trainer logs: the mean over the steps since its last log."""
        loss = (kwargs.get("logs") or {}).get("loss")
        if loss is not None and self.rows:
            self.rows[-1]["loss"] = float(loss)
        self._before_save(control)

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write the steps if the trainer saves after each epoch."""
        self._before_save(control)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write the steps, in case the trainer decided to save after our last callback."""
        write_steps(self.folder, self.rows)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write the steps, and the last point if no checkpoint was due there."""
        write_steps(self.folder, self.rows)
        if not (self.folder / name_of(state.global_step)).exists():
            write_checkpoint(self.folder, state.global_step, kwargs["model"], kwargs["optimizer"])

    def _before_save(self, control: TrainerControl) -> None:
        """Write the steps before the trainer saves, so that the trace can continue from any of its checkpoints."""
        if control.should_save:
            write_steps(self.folder, self.rows)

    def _drawn(self, state: TrainerState) -> list[int]:
        """Return the examples of the step that just ended. An epoch's last step may be smaller than the others; the
        indices that a loader with `drop_last` draws after its last batch are not trained on."""
        if self.order is None:
            return []
        position = (state.global_step - 1) % math.ceil(self.batches / self.accumulated)
        first = position * self.accumulated
        end = min(first + self.accumulated, self.batches)
        return self.order.drawn[first * self.batch_size : end * self.batch_size]


def watch_order(loader: DataLoader[Any]) -> Order | None:
    """Put an `Order` under the loader's batch sampler; return None if batches are not drawn by index."""
    batches: Any = loader.batch_sampler
    if type(batches) is not BatchSampler or isinstance(loader.dataset, IterableDataset):
        return None
    order = Order(cast(Sampler[int], batches.sampler))
    batches.sampler = order
    return order


def evenly_spaced(steps: int, count: int) -> set[int]:
    """Return `count` evenly spaced steps, the last one included."""
    return {max(1, round(k * steps / count)) for k in range(1, count + 1)}


def name_of(step: int) -> str:
    """Return the folder name of a checkpoint."""
    return f"checkpoint-{step:06d}"


def step_of(checkpoint: Path) -> int:
    """Return the step in a folder name made by `name_of`."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def points_in(folder: Path) -> list[Path]:
    """Return the finished checkpoints of a trace, in order."""
    return sorted((p for p in folder.glob("checkpoint-*") if p.suffix != ".part"), key=step_of)


def forget_after(folder: Path, step: int) -> None:
    """Remove later steps left by another run or by one resumed from an earlier step; at step 0, remove everything."""
    for path in points_in(folder):
        if step == 0 or step_of(path) > step:
            shutil.rmtree(path)
    if step == 0:
        (folder / STEPS).unlink(missing_ok=True)


def write_checkpoint(folder: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
    """Write one point: the trained weights and, with an Adam optimizer, its second moments."""
    part, final = folder / f"{name_of(step)}.part", folder / name_of(step)
    if final.exists():
        return
    part.mkdir(parents=True, exist_ok=True)
    save_file(trainable_weights(model), part / "weights.safetensors")
    moments = second_moments(model, optimizer) if optimizer is not None else {}
    if moments:
        save_file(moments, part / "moments.safetensors")
    part.rename(final)


def second_moments(model: nn.Module, optimizer: Any) -> dict[str, Tensor]:
    """Return Adam's second moments by parameter name, bias-corrected: v / (1 - beta2^t); {} for other optimizers."""
    inner = getattr(optimizer, "optimizer", optimizer)
    betas = {id(p): group["betas"][1] for group in inner.param_groups if "betas" in group for p in group["params"]}
    found: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        state = inner.state.get(parameter, {})
        if "exp_avg_sq" in state and id(parameter) in betas:
            corrected = corrected_moment(state["exp_avg_sq"], float(state["step"]), betas[id(parameter)])
            found[name] = corrected.to("cpu", torch.bfloat16).contiguous()
    return found


def corrected_moment(moment: Tensor, step: float, beta: float) -> Tensor:
    """v / (1 - beta^step), Kingma & Ba 2015, algorithm 1."""
    return moment / (1 - beta ** max(step, 1.0))


def write_steps(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the table of steps atomically: a reader sees the new table or the previous one."""
    temporary = folder / f"{STEPS}.tmp"
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), temporary)
    temporary.rename(folder / STEPS)


def read_steps(folder: Path) -> list[dict[str, Any]]:
    """Read the table of steps; empty if none was written."""
    path = folder / STEPS
    return pq.read_table(path).to_pylist() if path.is_file() else []


def read_checkpoints(folder: Path) -> tuple[Checkpoint, ...]:
    """Read the recorded points in order, each with the sum of the learning rates of the steps nearest to it."""
    found = points_in(folder)
    steps = [step_of(path) for path in found]
    rates = {row["step"]: row["learning_rate"] for row in read_steps(folder)}
    weights = dict.fromkeys(steps, 0.0)
    for step, rate in rates.items():
        weights[min(steps, key=lambda point: abs(point - step))] += rate
    return tuple(_checkpoint(step_of(path), path, weights[step_of(path)] if rates else 1.0) for path in found)


def read_point(folder: Path, step: int) -> Checkpoint | None:
    """Read a single point; None if there is no such folder."""
    return _checkpoint(step, folder, 0.0) if folder.is_dir() else None


def _checkpoint(step: int, path: Path, weight: float) -> Checkpoint:
    moments = path / "moments.safetensors"
    return Checkpoint(step, path / "weights.safetensors", moments if moments.is_file() else None, weight)
