from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.gradients.plain import ITEMS, MODELS, batch_of
from tests.tiny import tiny_gpt2, tiny_llama, tiny_tokenizer
from whence.core.projection import Projection
from whence.errors import MethodError, ModelError
from whence.gradients.measurement import log_probabilities
from whence.gradients.trajectory import Checkpoint, Trajectory
from whence.models.adapter import put_weights, trainable_weights
from whence.models.targets import linear_targets, weight_of, weight_shape

STEPS = (0, 2, 5)


def recorded(model: Any, folder: Path, steps: tuple[int, ...] = STEPS, moments: tuple[int, ...] = ()) -> Trajectory:
    """`model` with a path on disk: at step s its weights plus s/100, the second moment of every entry s."""
    start, path = trainable_weights(model), []
    for step in steps:
        save_file({n: w + step / 100 for n, w in start.items()}, folder / f"{step}.safetensors")
        file = folder / f"{step}-moments.safetensors"
        if step in moments:
            save_file({n: torch.full_like(w, step) for n, w in start.items()}, file)
        path.append(Checkpoint(step, folder / f"{step}.safetensors", file if step in moments else None))
    return Trajectory(model, tiny_tokenizer(), tuple(path))


@torch.no_grad()
def values(model: Any) -> torch.Tensor:
    return log_probabilities(model, batch_of(ITEMS))


@pytest.mark.parametrize("name", ["llama", "llama-untied", "gpt2", "llama-lora"])
def test_the_model_moves_to_the_weights_of_a_checkpoint(tmp_path: Path, name: str):
    path = recorded(MODELS[name](), tmp_path)
    for checkpoint in (path.checkpoints[1], path.last, path.checkpoints[0]):
        path.move_to(checkpoint)
        assert path.at == checkpoint.step
        start = trainable_weights(MODELS[name]())
        for parameter, weight in trainable_weights(path.model).items():
            torch.testing.assert_close(weight, start[parameter] + checkpoint.step / 100)


def test_nothing_is_read_where_the_model_stands_already(tmp_path: Path):
    path = recorded(tiny_llama(), tmp_path)
    path.move_to(path.last)
    path.last.weights.unlink()
    path.move_to(path.last)
    assert path.at == 5


def test_weights_of_another_model_leave_it_where_it_stands(tmp_path: Path):
    path = recorded(tiny_llama(), tmp_path)
    path.move_to(path.last)
    save_file({"x": torch.ones(1)}, path.checkpoints[0].weights)
    with pytest.raises(ModelError, match="is missing"):
        path.move_to(path.checkpoints[0])
    assert path.at == 5


@pytest.mark.parametrize("build", [tiny_llama, tiny_gpt2])
def test_the_base_of_an_adapter_is_the_base_model(tmp_path: Path, build: Any):
    path = recorded(MODELS["llama-lora" if build is tiny_llama else "gpt2-lora"](), tmp_path, steps=(2, 5))
    path.move_to(path.last)
    tuned, needed = values(path.model), [p.requires_grad for p in path.model.parameters()]
    with path.base():
        torch.testing.assert_close(values(path.model), values(build()))
    assert torch.equal(values(path.model), tuned)
    assert [p.requires_grad for p in path.model.parameters()] == needed
    assert path.at == 5


@pytest.mark.parametrize("stands", [0, 1, 2])
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_the_base_of_a_full_run_is_its_start_and_what_stood_is_restored(tmp_path: Path, name: str, stands: int):
    path = recorded(MODELS[name](), tmp_path)
    path.move_to(path.checkpoints[stands])
    standing = values(path.model)
    with path.base():
        assert torch.equal(values(path.model), values(MODELS[name]()))
        assert path.at == 0
    assert torch.equal(values(path.model), standing)
    assert path.at == path.checkpoints[stands].step


def test_the_model_is_restored_after_an_error_in_the_base(tmp_path: Path):
    path = recorded(tiny_llama(), tmp_path)
    path.move_to(path.last)
    standing = trainable_weights(path.model)
    with pytest.raises(KeyError), path.base():
        raise KeyError
    after = trainable_weights(path.model)
    assert all(torch.equal(after[n], w) for n, w in standing.items())


def test_weights_that_no_checkpoint_holds_survive_the_base(tmp_path: Path):
    path = recorded(tiny_llama(), tmp_path)
    put_weights(path.model, {n: w + 7 for n, w in trainable_weights(path.model).items()})
    standing = values(path.model)
    with path.base():
        pass
    assert torch.equal(values(path.model), standing)
    path.move_to(path.last)
    assert not torch.equal(values(path.model), standing)


def test_the_base_of_a_full_run_needs_its_recorded_start(tmp_path: Path):
    path = recorded(tiny_llama(), tmp_path, steps=(2, 5))
    with pytest.raises(MethodError, match="no checkpoint of step 0"), path.base():
        pass


@pytest.mark.parametrize(
    ("moments", "used"),
    [
        ((), (None,) * 4),
        ((2, 5, 9), (2, 2, 5, 9)),
        ((5,), (5, 5, 5, 5)),
        ((2, 5), (2, 2, 5, 5)),
        ((5, 9), (5, 5, 5, 9)),
    ],
)
def test_moments_of_the_next_checkpoint_that_has_them_stand_in(
    tmp_path: Path, moments: tuple[int, ...], used: tuple[int | None, ...]
):
    path = recorded(tiny_llama(), tmp_path, (0, 2, 5, 9), moments)
    before, at = values(path.model), path.at
    for checkpoint, step in zip(path.checkpoints, used, strict=True):
        metric = path.metric(checkpoint)
        if step is None:
            assert metric is None
        else:
            assert metric is not None
            for weight in metric.values():
                torch.testing.assert_close(weight, torch.full_like(weight, step**-0.25))
    assert torch.equal(values(path.model), before)
    assert path.at == at


@pytest.mark.parametrize("name", ["llama", "gpt2", "llama-lora"])
def test_the_metric_is_one_over_the_fourth_root_of_the_second_moment_laid_out_as_the_gradient(
    tmp_path: Path, name: str
):
    path = recorded(MODELS[name](), tmp_path, moments=(5,))
    assert path.last.moments is not None
    second = {f"{n}.weight": torch.rand(weight_of(m).shape) for n, m in linear_targets(path.model).items()}
    save_file(second, path.last.moments)
    metric = path.metric(path.last)
    assert metric is not None
    for n, layer in path.layers.items():
        assert metric[n].shape == weight_shape(layer)
        stored = metric[n].T if name == "gpt2" else metric[n]
        torch.testing.assert_close(stored, second[f"{n}.weight"] ** -0.25, rtol=1e-4, atol=1e-4)


def test_an_entry_that_never_had_a_gradient_keeps_a_finite_weight(tmp_path: Path):
    path = recorded(tiny_llama(), tmp_path, moments=(0,), steps=(0,))
    metric = path.metric(path.last)
    assert metric is not None
    assert all((weight == 1e4).all() for weight in metric.values())


def test_projections_are_those_of_each_layers_name_and_shape_and_made_once(tmp_path: Path):
    path = recorded(tiny_gpt2(), tmp_path)
    found = path.projections(4, 7)
    assert path.projections(4, 7) is found
    assert found.keys() == path.layers.keys()
    for n, layer in path.layers.items():
        expected = Projection.of(n, weight_shape(layer), 4, 7)
        assert torch.equal(found[n].left, expected.left)
        assert torch.equal(found[n].right, expected.right)
    name = next(iter(found))
    assert not torch.equal(path.projections(4, 8)[name].left, found[name].left)


@pytest.mark.parametrize("name", ["llama", "llama-lora"])
def test_only_the_metric_of_an_adapter_is_kept_in_memory(tmp_path: Path, name: str):
    path = recorded(MODELS[name](), tmp_path, moments=(2, 5))
    first, second = path.metric(path.checkpoints[1]), path.metric(path.last)
    assert (path.metric(path.checkpoints[1]) is first) == (name == "llama-lora")
    assert first is not None
    assert second is not None
    assert not any(torch.equal(first[n], second[n]) for n in first)
