import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset
from transformers import TrainerCallback

from tests.tiny import tiny_llama
from tests.training.runs import plain_trainer
from whence.errors import TrainingError
from whence.training.trace import TraceCallback, evenly_spaced, read_checkpoints, read_steps, watch_order, write_steps


class Witness(TrainerCallback):
    """Keeps weights and Adam's state as they are at the end of every step."""

    def __init__(self) -> None:
        self.weights: dict[int, dict[str, Tensor]] = {}
        self.states: dict[int, dict[str, tuple[Tensor, float]]] = {}

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        named = dict(kwargs["model"].named_parameters())
        adam = kwargs["optimizer"].optimizer.state
        self.weights[state.global_step] = {name: p.detach().clone() for name, p in named.items()}
        self.states[state.global_step] = {
            name: (adam[p]["exp_avg_sq"].clone(), float(adam[p]["step"]))
            for name, p in named.items()
            if "exp_avg_sq" in adam[p]
        }


def steps_of(batches: Sequence[list[int]], per_epoch: int, accumulate: int) -> list[list[int]]:
    """The micro batches that a model saw, joined to optimizer steps; no step reaches into the next epoch."""
    epochs = [batches[start : start + per_epoch] for start in range(0, len(batches), per_epoch)]
    return [
        list(chain.from_iterable(epoch[k : k + accumulate]))
        for epoch in epochs
        for k in range(0, len(epoch), accumulate)
    ]


@pytest.mark.parametrize(
    ("count", "accumulate", "drop_last"), [(8, 1, False), (10, 1, False), (10, 2, False), (10, 1, True), (21, 2, True)]
)
def test_the_recorded_order_is_what_the_model_saw(tmp_path: Path, count: int, accumulate: int, drop_last: bool):
    trainer, seen = plain_trainer(
        tiny_llama(num_hidden_layers=1),
        tmp_path / "hf",
        count,
        [TraceCallback(tmp_path)],
        gradient_accumulation_steps=accumulate,
        dataloader_drop_last=drop_last,
    )
    trainer.train()
    per_epoch = count // 4 if drop_last else math.ceil(count / 4)
    # With drop_last the loader reads one batch ahead of what is trained, never further than the epoch.
    expected = steps_of(seen.batches, per_epoch, accumulate)
    rows = read_steps(tmp_path / "trace")
    assert [row["step"] for row in rows] == list(range(1, len(expected) + 1))
    assert [row["examples"] for row in rows] == expected
    assert len({tuple(step) for step in expected}) > 1


def test_learning_rates_are_those_the_steps_used_and_losses_those_that_were_logged(tmp_path: Path):
    trainer, _ = plain_trainer(tiny_llama(), tmp_path / "hf", 10, [TraceCallback(tmp_path)])
    trainer.train()
    rows = read_steps(tmp_path / "trace")
    assert [row["learning_rate"] for row in rows] == pytest.approx([1e-2 * (1 - k / 9) for k in range(9)])
    assert [row["loss"] for row in rows] == [log["loss"] for log in trainer.state.log_history if "loss" in log]


def test_a_loss_that_the_trainer_does_not_log_is_nan(tmp_path: Path):
    trainer, _ = plain_trainer(tiny_llama(), tmp_path / "hf", 8, [TraceCallback(tmp_path)], logging_steps=2)
    trainer.train()
    assert [math.isnan(row["loss"]) for row in read_steps(tmp_path / "trace")] == [True, False] * 3


def test_checkpoints_hold_the_start_and_evenly_spaced_points_with_their_weights_and_moments(tmp_path: Path):
    model, witness = tiny_llama(), Witness()
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainer, _ = plain_trainer(model, tmp_path / "hf", 10, [TraceCallback(tmp_path, 3), witness])
    trainer.train()
    found = read_checkpoints(tmp_path / "trace")
    assert [point.step for point in found] == [0, 3, 6, 9]
    assert found[0].moments is None
    for point in found:
        expected = witness.weights.get(point.step, start)
        weights = load_file(point.weights)
        assert weights.keys() == expected.keys()
        assert all(torch.equal(weights[name], expected[name]) for name in weights)
    beta = trainer.args.adam_beta2
    for point in found[1:]:
        moments = load_file(point.moments)
        assert moments.keys() == start.keys()
        for name, (second, step) in witness.states[point.step].items():
            assert step == point.step
            torch.testing.assert_close(moments[name], (second / (1 - beta**step)).bfloat16(), rtol=0, atol=0)


def test_frozen_weights_are_left_out(tmp_path: Path):
    model = tiny_llama().requires_grad_(False)
    model.model.layers[0].mlp.up_proj.requires_grad_(True)
    plain_trainer(model, tmp_path / "hf", 8, [TraceCallback(tmp_path, 1)])[0].train()
    last = read_checkpoints(tmp_path / "trace")[-1]
    only = {"model.layers.0.mlp.up_proj.weight"}
    assert load_file(last.weights).keys() == load_file(last.moments).keys() == only


def test_nothing_in_a_trace_is_a_pickle(tmp_path: Path):
    plain_trainer(tiny_llama(), tmp_path / "hf", 8, [TraceCallback(tmp_path)])[0].train()
    assert {path.suffix for path in (tmp_path / "trace").rglob("*") if path.is_file()} == {".safetensors", ".parquet"}


def test_an_optimizer_without_second_moments_leaves_none(tmp_path: Path):
    plain_trainer(tiny_llama(), tmp_path / "hf", 8, [TraceCallback(tmp_path)], optim="sgd")[0].train()
    found = read_checkpoints(tmp_path / "trace")
    assert len(found) == 7
    assert all(point.moments is None for point in found)


@pytest.mark.parametrize("save_steps", [2, 4, 5])
def test_a_resumed_trainer_goes_on_with_the_trace(tmp_path: Path, save_steps: int):
    whole, _ = plain_trainer(tiny_llama(), tmp_path / "hf", 10, [TraceCallback(tmp_path / "whole", 2)])
    whole.train()
    saving = {"save_strategy": "steps", "save_steps": save_steps}

    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == 7:
                raise KeyboardInterrupt

    first, before = plain_trainer(
        tiny_llama(), tmp_path / "hf", 10, [TraceCallback(tmp_path / "halves", 2), Stop()], **saving
    )
    with pytest.raises(KeyboardInterrupt):
        first.train()
    second, after = plain_trainer(tiny_llama(), tmp_path / "hf", 10, [TraceCallback(tmp_path / "halves", 2)], **saving)
    second.train(resume_from_checkpoint=True)
    resumed = 7 // save_steps * save_steps
    rows, expected = read_steps(tmp_path / "halves/trace"), read_steps(tmp_path / "whole/trace")
    assert [row["examples"] for row in rows] == before.batches[:resumed] + after.batches
    assert rows == expected
    assert [point.step for point in read_checkpoints(tmp_path / "halves/trace")] == [0, 4, 9]
    assert weights_of(tmp_path / "halves") == weights_of(tmp_path / "whole")


def weights_of(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "trace").rglob("*.safetensors"))]


def test_a_new_run_into_the_same_folder_replaces_the_old_trace(tmp_path: Path):
    plain_trainer(tiny_llama(), tmp_path / "hf", 10, [TraceCallback(tmp_path, 4)])[0].train()
    model = tiny_llama(seed=1)
    plain_trainer(model, tmp_path / "hf", 8, [TraceCallback(tmp_path, 2)])[0].train()
    found = read_checkpoints(tmp_path / "trace")
    assert [point.step for point in found] == [0, 3, 6]
    last = load_file(found[-1].weights)
    assert all(torch.equal(last[name], p) for name, p in model.named_parameters())
    assert len(read_steps(tmp_path / "trace")) == 6


def test_a_run_that_ends_early_keeps_its_end(tmp_path: Path):
    class Enough(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = state.global_step == 5

    plain_trainer(tiny_llama(), tmp_path / "hf", 10, [TraceCallback(tmp_path, 2), Enough()])[0].train()
    assert [point.step for point in read_checkpoints(tmp_path / "trace")] == [0, 4, 5]


def test_each_checkpoint_weighs_the_learning_rates_of_the_steps_nearest_to_it(tmp_path: Path):
    for step in (0, 4, 9):
        (tmp_path / f"checkpoint-{step:06d}").mkdir()
    (tmp_path / "checkpoint-000012.part").mkdir()
    rates = [2.0**k for k in range(1, 10)]
    write_steps(
        tmp_path,
        [{"step": k, "learning_rate": rate, "loss": 0.0, "examples": []} for k, rate in enumerate(rates, start=1)],
    )
    found = read_checkpoints(tmp_path)
    assert [point.step for point in found] == [0, 4, 9]
    assert [point.weight for point in found] == [sum(rates[:2]), sum(rates[2:6]), sum(rates[6:])]


def test_checkpoints_without_a_table_of_steps_weigh_the_same(tmp_path: Path):
    (tmp_path / "checkpoint-000003").mkdir()
    (tmp_path / "checkpoint-000007").mkdir()
    assert [point.weight for point in read_checkpoints(tmp_path)] == [1.0, 1.0]
    assert read_checkpoints(tmp_path / "nothing") == ()


@pytest.mark.parametrize(("steps", "count"), [(18, 4), (100, 6), (7, 3), (2, 6), (1, 1)])
def test_points_are_spread_evenly_and_end_at_the_last_step(steps: int, count: int):
    found = sorted(evenly_spaced(steps, count))
    assert found[-1] == steps
    assert found[0] >= 1
    assert len(found) == min(steps, count)
    gaps = [b - a for a, b in zip([0, *found], found, strict=False)]
    assert max(gaps) - min(gaps) <= 1


def test_a_trace_without_checkpoints_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match="at least one checkpoint, not 0"):
        TraceCallback(tmp_path, 0)


def test_batches_that_are_not_drawn_by_number_have_no_order():
    class Stream(IterableDataset[int]):
        def __iter__(self):
            return iter(range(3))

    assert watch_order(DataLoader(Stream(), batch_size=2)) is None
