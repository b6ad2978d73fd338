import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback

from tests.tiny import save_tiny, tiny_gpt2, tiny_llama
from tests.training.runs import plain_trainer, write_pairs
from whence.errors import ArtifactError, ModelError
from whence.models.adapter import trainable_weights
from whence.models.base import load
from whence.pipeline import import_run
from whence.training.imported import grouped_names, points, read_moments, step_of
from whence.training.run import Run
from whence.training.trace import TraceCallback, read_checkpoints


class Live(TrainerCallback):
    """What the optimizer held whenever the trainer saved: weights and bias-corrected second moments."""

    def __init__(self) -> None:
        self.weights: dict[int, dict[str, Tensor]] = {}
        self.moments: dict[int, dict[str, Tensor]] = {}

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        adam = kwargs["optimizer"].optimizer.state
        named = {name: p for name, p in kwargs["model"].named_parameters() if p.requires_grad}
        self.weights[state.global_step] = {name: p.detach().clone() for name, p in named.items()}
        self.moments[state.global_step] = {
            name: adam[p]["exp_avg_sq"] / (1 - args.adam_beta2 ** float(adam[p]["step"])) for name, p in named.items()
        }


@dataclass
class Foreign:
    """Somebody else's training: a base model, pairs, checkpoints of Hugging Face, our trace beside it."""

    place: Path
    live: Live
    trainer: Trainer

    @property
    def base(self) -> Path:
        return self.place / "base"

    @property
    def data(self) -> Path:
        return self.place / "pairs.jsonl"

    def checkpoint(self, step: int) -> Path:
        return self.place / "hf" / f"checkpoint-{step}"


def trained(place: Path, model: Any) -> Foreign:
    """`model`, fine-tuned with peft's and transformers' own means; the finished one lies in `final`."""
    write_pairs(place / "pairs.jsonl")
    live = Live()
    callbacks = [live, TraceCallback(place / "mine", 2)]
    trainer, _ = plain_trainer(model, place / "hf", 10, callbacks, save_strategy="steps", save_steps=3)
    trainer.train()
    trainer.save_model(str(place / "final"))
    return Foreign(place, live, trainer)


def lora(base: nn.Module, **settings: Any) -> Any:
    config = LoraConfig(**{"r": 2, "target_modules": "all-linear", "task_type": "CAUSAL_LM", **settings})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks the model for a name that transformers has deprecated
        return get_peft_model(base, config)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    place = tmp_path_factory.mktemp("peft")
    save_tiny(place / "base")
    return trained(place, lora(load(place / "base", dtype=torch.float32)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    place = tmp_path_factory.mktemp("full")
    save_tiny(place / "base", tiny_gpt2())
    return trained(place, tiny_gpt2())


def brought(foreign: Foreign, out: Path, *steps: int, **more: Any) -> Run:
    checkpoints = [foreign.checkpoint(step) for step in steps]
    return import_run(
        str(foreign.base), foreign.data, out, adapter=foreign.place / "final", checkpoints=checkpoints, **more
    )


def assert_points_are(run: Run, live: Live, steps: list[int]) -> None:
    found = {point.step: point for point in read_checkpoints(run.folder / "trace")}
    for step in steps:
        weights, moments = load_file(found[step].weights), load_file(found[step].moments)
        assert weights.keys() == live.weights[step].keys() == moments.keys()
        for name, weight in live.weights[step].items():
            assert torch.equal(weights[name], weight)
            torch.testing.assert_close(moments[name], live.moments[step][name].bfloat16(), rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["adapter", "whole"])
def test_checkpoints_keep_their_weights_and_the_optimizers_second_moments(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
):
    foreign: Foreign = request.getfixturevalue(kind)
    run = brought(foreign, tmp_path / "run", 6, 3)
    assert_points_are(run, foreign.live, [3, 6])


def test_an_adapters_steps_come_from_the_trainers_own_state(adapter: Foreign, tmp_path: Path):
    odd = tmp_path / "best-of-all"
    odd.symlink_to(adapter.checkpoint(6), target_is_directory=True)
    run = import_run(
        str(adapter.base), adapter.data, tmp_path / "run", adapter=adapter.checkpoint(9), checkpoints=[odd]
    )
    assert [point.step for point in run.trajectory.checkpoints] == [6, 9]
    assert_points_are(run, adapter.live, [6, 9])


def test_an_imported_adapter_is_the_model_that_was_trained(adapter: Foreign, tmp_path: Path):
    run = brought(adapter, tmp_path / "run", 3, 6)
    path = run.trajectory
    expected = trainable_weights(adapter.trainer.model)
    found = trainable_weights(path.model)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert len(run.examples) == 12
    assert run.manifest.config["imported"] is True
    assert not [path for path in run.folder.rglob("*") if path.suffix in (".pt", ".pth", ".bin")]


def test_a_whole_checkpoint_brings_the_base_model_as_its_start(whole: Foreign, tmp_path: Path):
    run = brought(whole, tmp_path / "run", 3)
    assert run.full
    path = run.trajectory
    assert [point.step for point in path.checkpoints] == [0, 3, 4]
    base = dict(load(whole.base, dtype=torch.float32).named_parameters())
    start, end = (load_file(point.weights) for point in (path.checkpoints[0], path.last))
    assert start.keys() == end.keys() == base.keys()
    assert all(torch.equal(start[name], p) for name, p in base.items())
    assert all(torch.equal(end[name], p) for name, p in whole.trainer.model.named_parameters())


@pytest.mark.parametrize("kind", ["adapter", "whole"])
@pytest.mark.parametrize("inner", ["", "trace"])
def test_a_trace_is_taken_as_it_is(kind: str, inner: str, request: pytest.FixtureRequest, tmp_path: Path):
    foreign: Foreign = request.getfixturevalue(kind)
    trace = foreign.place / "mine" / inner
    run = brought(foreign, tmp_path / "run", trace=trace)
    original = read_checkpoints(foreign.place / "mine/trace")
    copied = read_checkpoints(run.folder / "trace")
    assert [(p.step, p.weight) for p in copied] == [(p.step, p.weight) for p in original]
    assert [point.step for point in copied] == [0, 4, 9]
    assert all(a.weights.read_bytes() == b.weights.read_bytes() for a, b in zip(copied, original, strict=True))
    assert run.trajectory.at == 9


def test_the_same_import_again_returns_the_run_and_another_one_is_refused(adapter: Foreign, tmp_path: Path):
    first = brought(adapter, tmp_path / "run", 3)
    assert brought(adapter, tmp_path / "run", 3).manifest.key == first.manifest.key
    with pytest.raises(ArtifactError, match="another weights 3: checkpoint-6"):
        brought(adapter, tmp_path / "run", 3, 6)


def test_a_folder_without_weights_is_refused(adapter: Foreign, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"must hold weights as \*\.safetensors, but has none"):
        import_run(str(adapter.base), adapter.data, tmp_path / "run", adapter=tmp_path / "empty")
    with pytest.raises(ModelError, match="A finished model is needed"):
        import_run(str(adapter.base), adapter.data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("traced", [False, True])
def test_an_adapter_for_another_base_model_is_refused(adapter: Foreign, tmp_path: Path, traced: bool):
    other = save_tiny(tmp_path / "other", tiny_llama(hidden_size=64))
    trace = adapter.place / "mine" if traced else None
    with pytest.raises(ModelError, match="does not fit this base model"):
        import_run(str(other), adapter.data, tmp_path / "run", adapter=adapter.place / "final", trace=trace)
    assert not (tmp_path / "run").exists()


def test_a_whole_checkpoint_of_another_architecture_is_refused(whole: Foreign, tmp_path: Path):
    other = save_tiny(tmp_path / "other", tiny_gpt2(n_embd=64))
    with pytest.raises(ModelError, match="does not fit this base model"):
        import_run(str(other), whole.data, tmp_path / "run", adapter=whole.place / "final")


def test_a_folder_that_is_no_trace_is_refused(adapter: Foreign, tmp_path: Path):
    with pytest.raises(ModelError, match="must hold a trace that TraceCallback wrote"):
        brought(adapter, tmp_path / "run", trace=adapter.place / "final")


def test_moments_that_do_not_fit_the_model_are_left_out(adapter: Foreign, tmp_path: Path):
    model = lora(load(adapter.base, dtype=torch.float32), r=4)
    assert read_moments(model, adapter.checkpoint(3) / "optimizer.pt") == {}
    torch.save({"state": {}, "param_groups": [{"params": [0], "lr": 0.1}]}, tmp_path / "optimizer.pt")
    assert read_moments(model, tmp_path / "optimizer.pt") == {}


def test_parameters_are_named_in_the_order_of_the_trainers_groups(whole: Foreign):
    names = {id(p): name for name, p in whole.trainer.model.named_parameters()}
    expected = [names[id(p)] for group in whole.trainer.optimizer.param_groups for p in group["params"]]
    assert grouped_names(whole.trainer.model) == expected


def test_a_folders_step_is_its_states_then_its_names_then_its_place(tmp_path: Path):
    for name in ("checkpoint-7", "checkpoint-last", "final"):
        (tmp_path / name).mkdir()
    assert step_of(tmp_path / "checkpoint-7", 1) == 7
    assert step_of(tmp_path / "checkpoint-last", 1) == 1
    (tmp_path / "final/trainer_state.json").write_text(json.dumps({"global_step": 20}), "utf-8")
    assert step_of(tmp_path / "final", 1) == 20
    found = points([tmp_path / "checkpoint-7", tmp_path / "checkpoint-last"], tmp_path / "final")
    assert [(step, path.name) for step, path in found] == [(2, "checkpoint-last"), (7, "checkpoint-7"), (20, "final")]
