"""Against plain autograd: one example at a time, unpadded, every sum a loop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.gradients.plain import ITEMS, MODELS, batch_of, conversation, plain_gradients
from whence.core.kronecker import Kronecker, eigenbasis
from whence.core.projection import Projection
from whence.errors import MethodError
from whence.gradients.curvature import (
    Sampled,
    Whitening,
    backpropagate,
    data_labels,
    fit_covariances,
    fit_factors,
    fit_values,
    read_factors,
    write_factors,
)
from whence.gradients.measurement import Batch, answer_logits
from whence.models.targets import linear_targets, weight_shape
from whence.types import Tokens

CPU = torch.device("cpu")


def batched(items: Sequence[Tokens], size: int, side: str = "right") -> list[Batch]:
    return [batch_of(items[i : i + size], side) for i in range(0, len(items), size)]


def token_pairs(model: Any, layers: dict[str, nn.Module], item: Tokens) -> dict[str, tuple[Tensor, Tensor]]:
    """Each layer's inputs and the gradients of log p at its outputs, both [token, …], by autograd alone."""
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def remember(name: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            seen[name] = (inputs[0].detach()[0], output)

        return hook

    handles = [layer.register_forward_hook(remember(name)) for name, layer in layers.items()]
    logits = model(input_ids=torch.tensor([item.input_ids]), use_cache=False).logits[0].float().log_softmax(-1)
    for handle in handles:
        handle.remove()
    value = sum(logits[t - 1, y] for t, y in enumerate(item.labels) if t and y != -100)
    outputs = [output for _, output in seen.values()]
    if not isinstance(value, Tensor):
        return {name: (x, torch.zeros_like(output)[0]) for name, (x, output) in seen.items()}
    found = torch.autograd.grad(value, outputs)
    return {name: (seen[name][0], d[0]) for name, d in zip(seen, found, strict=True)}


def assert_near(found: Tensor, wanted: Tensor, relative: float = 1e-4) -> None:
    assert wanted.abs().max() > 0
    torch.testing.assert_close(found, wanted, rtol=0, atol=relative * float(wanted.abs().max()))


@pytest.mark.parametrize("name", ["llama", "gpt2", "llama-lora"])
def test_covariances_are_means_over_all_real_tokens_however_batched(name: str):
    model = MODELS[name]()
    layers = linear_targets(model)
    pairs = [token_pairs(model, layers, item) for item in ITEMS]
    count = sum(len(item.input_ids) for item in ITEMS)
    for size, side in ((1, "right"), (2, "left"), (5, "right")):
        found = fit_covariances(model, layers, batched(ITEMS, size, side), data_labels)
        assert found.keys() == layers.keys()
        for layer, covariance in found.items():
            inputs, outputs = (torch.zeros_like(m) for m in (covariance.inputs, covariance.outputs))
            for pair in pairs:
                for x, d in zip(*pair[layer], strict=True):
                    inputs += torch.outer(x, x) / count
                    outputs += torch.outer(d, d) / count
            assert_near(covariance.inputs, inputs)
            assert_near(covariance.outputs, outputs)


@pytest.mark.parametrize("name", ["llama", "gpt2-lora"])
def test_corrected_eigenvalues_are_mean_squares_of_rotated_gradients(name: str):
    model = MODELS[name]()
    layers = linear_targets(model)
    covariances = fit_covariances(model, layers, batched(ITEMS, 5), data_labels)
    bases = {n: eigenbasis(c)[0] for n, c in covariances.items()}
    exact = plain_gradients(model, layers, [i for i in ITEMS if i.answer_length])
    for size, side in ((1, "left"), (3, "right")):
        found = fit_values(model, layers, batched(ITEMS, size, side), bases, data_labels)
        for layer, values in found.items():
            wanted = torch.zeros_like(values)
            for gradient in exact[layer]:
                wanted += (bases[layer].outputs.T @ gradient @ bases[layer].inputs) ** 2 / len(ITEMS)
            assert_near(values, wanted, 1e-3)


def test_both_kinds_of_factors_share_the_basis_and_differ_in_eigenvalues():
    model = MODELS["llama-lora"]()
    layers = linear_targets(model)
    plain, corrected = (fit_factors(model, layers, lambda: batched(ITEMS, 2), data_labels, c) for c in (False, True))
    for name in layers:
        assert torch.equal(plain[name].basis.outputs, corrected[name].basis.outputs)
        assert torch.equal(plain[name].basis.inputs, corrected[name].basis.inputs)
        assert not torch.allclose(plain[name].values, corrected[name].values, rtol=0.01)


def test_what_is_drawn_depends_on_the_example_alone():
    model, draw = MODELS["llama"](), Sampled(3)

    def drawn(items: Sequence[Tokens], size: int, side: str) -> list[int]:
        batches = batched(items, size, side)
        return [label for b in batches for label in draw(answer_logits(model, b).detach(), b).tolist()]

    alone = [drawn([item], 1, "right") for item in ITEMS]
    flat = [label for labels in alone for label in labels]
    assert len(flat) == sum(item.answer_length for item in ITEMS)
    for size, side in ((1, "left"), (2, "right"), (5, "left")):
        assert drawn(ITEMS, size, side) == flat
    assert drawn(ITEMS[::-1], 2, "right") == [label for labels in alone[::-1] for label in labels]
    batch = batch_of(ITEMS)
    logits = answer_logits(model, batch).detach()
    assert Sampled(4)(logits, batch).tolist() != draw(logits, batch).tolist()


def test_labels_are_drawn_with_the_models_probabilities():
    items = [conversation(seed, 3, range(2, 3)) for seed in range(2000)]
    logits = torch.tensor([0.0, 1.0, -torch.inf, 2.0]).repeat(len(items), 1)
    counts = Sampled(0)(logits, batch_of(items)).bincount(minlength=4) / len(items)
    assert counts[2] == 0
    wanted = logits[0].softmax(0)
    assert bool((counts - wanted).abs().max() < 4 * (0.25 / len(items)) ** 0.5)


def test_a_batch_without_answers_draws_nothing_and_adds_nothing():
    model = MODELS["llama"]()
    layers, batch = linear_targets(model), batch_of([conversation(0, 4)])
    assert Sampled(0)(answer_logits(model, batch).detach(), batch).tolist() == []
    found = fit_covariances(model, layers, [batch], Sampled(0))
    assert all(not c.outputs.any() and bool(c.inputs.any()) for c in found.values())


def test_drawn_labels_take_the_place_of_those_in_the_data():
    model, draw = MODELS["llama"](), Sampled(1)
    layers = linear_targets(model)
    relabelled = list[Tokens]()
    for item in ITEMS:
        batch = batch_of([item])
        drawn = iter(draw(answer_logits(model, batch).detach(), batch).tolist())
        labels = [next(drawn) if t and label != -100 else -100 for t, label in enumerate(item.labels)]
        relabelled.append(Tokens(item.input_ids, tuple(labels)))
    found, wanted, plain = (
        fit_factors(model, layers, lambda items=items: batched(items, 3), labels)
        for items, labels in ((ITEMS, draw), (relabelled, data_labels), (ITEMS, data_labels))
    )
    for name in layers:
        assert_near(found[name].values, wanted[name].values, 1e-3)
        assert not torch.allclose(found[name].values, plain[name].values, rtol=0.01)


def whitened_by_hand(model: Any, factors: dict[str, Kronecker], damping: float) -> dict[str, Tensor]:
    layers = linear_targets(model)
    found = plain_gradients(model, layers, [i for i in ITEMS if i.answer_length])
    rows = {}
    for name, factor in factors.items():
        d = damping * factor.values.mean()
        rotated = factor.basis.outputs.T @ found[name] @ factor.basis.inputs
        rows[name] = rotated / (factor.values + d).sqrt()
    return rows


@pytest.mark.parametrize("name", ["llama", "gpt2-lora"])
def test_whitened_rows_are_rotated_gradients_over_the_root_of_the_curvature(name: str):
    model = MODELS[name]()
    layers = linear_targets(model)
    factors = fit_factors(model, layers, lambda: batched(ITEMS, 2), data_labels)
    items = [i for i in ITEMS if i.answer_length]
    wanted = whitened_by_hand(model, factors, 0.1)
    exact = Whitening(factors, 0.1)
    rows = exact.rows(model, layers, batched(items, 2))
    assert rows.shape == (len(items), exact.width)
    assert_near(rows, torch.cat([wanted[n].flatten(1) for n in sorted(wanted)], dim=1), 1e-3)
    projections = {n: Projection.of(n, weight_shape(m), 3, 0) for n, m in layers.items()}
    sketched = Whitening(factors, 0.1, projections)
    total = sum(p.left.T @ wanted[n] @ p.right for n, p in projections.items())
    assert isinstance(total, Tensor)
    assert_near(sketched.rows(model, layers, batched(items, 2)), total.flatten(1), 1e-3)
    assert sketched.rows(model, layers, []).shape == (0, 9)


def test_factors_read_as_they_were_written(tmp_path: Path):
    model = MODELS["llama-lora"]()
    factors = fit_factors(model, linear_targets(model), lambda: batched(ITEMS, 2), data_labels)
    write_factors(tmp_path / "factors.safetensors", factors)
    found = read_factors(tmp_path / "factors.safetensors", CPU)
    assert list(found) == list(factors)
    for name, factor in factors.items():
        assert torch.equal(found[name].values, factor.values)
        assert torch.equal(found[name].basis.outputs, factor.basis.outputs)
        assert torch.equal(found[name].basis.inputs, factor.basis.inputs)
    assert [path.name for path in tmp_path.iterdir()] == ["factors.safetensors"]


def test_a_layer_that_runs_twice_is_refused():
    model = MODELS["llama"]()
    model.model.layers[1].mlp = model.model.layers[0].mlp
    with pytest.raises(MethodError, match="runs again"):
        backpropagate(model, linear_targets(model), batch_of(ITEMS), data_labels, lambda *_: None)
