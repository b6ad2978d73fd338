from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.gradients.plain import ITEMS, MODELS, adapted, batch_of, conversation, plain_gradients, plain_value
from tests.tiny import tiny_llama
from whence.core.projection import Projection
from whence.gradients.capture import Sketcher, gradients, sketches
from whence.models.targets import linear_targets, weight_shape
from whence.types import Tokens


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor], relative: float = 1e-4) -> None:
    """Equal to within `relative` of each layer's largest entry."""
    assert found.keys() == expected.keys()
    for name, wanted in expected.items():
        assert wanted.abs().max() > 0, name
        torch.testing.assert_close(found[name], wanted, rtol=0, atol=relative * float(wanted.abs().max()))


def sketcher_of(layers: dict[str, Any], side: int, metric: Any = None) -> Sketcher:
    return Sketcher({n: Projection.of(n, weight_shape(m), side, 0) for n, m in layers.items()}, metric)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_equal_autograd_one_example_at_a_time_however_batched(name: str):
    model = MODELS[name]()
    layers = linear_targets(model)
    expected = plain_gradients(model, layers, ITEMS)
    for side in ("left", "right"):
        found, values = gradients(model, layers, batch_of(ITEMS, side))
        assert_same(found, expected)
        torch.testing.assert_close(values, torch.stack([plain_value(model, i) for i in ITEMS]).detach())
    for size in range(1, len(ITEMS)):
        parts = [gradients(model, layers, batch_of(ITEMS[i : i + size]))[0] for i in range(0, len(ITEMS), size)]
        assert_same({n: torch.cat([part[n] for part in parts]) for n in layers}, expected)


@pytest.mark.parametrize("base", ["llama", "gpt2"])
def test_an_adapter_trained_with_dropout_is_measured_without(base: str):
    plain, dropping = (adapted(MODELS[base](), dropout=share) for share in (0.0, 0.5))
    layers = linear_targets(dropping)
    assert layers.keys() == linear_targets(plain).keys()
    found, values = gradients(dropping, layers, batch_of(ITEMS))
    assert_same(found, plain_gradients(dropping, layers, ITEMS))
    assert_same(found, plain_gradients(plain, linear_targets(plain), ITEMS))
    torch.testing.assert_close(values, torch.stack([plain_value(plain, i) for i in ITEMS]).detach())


@pytest.mark.parametrize("name", ["llama", "gpt2-lora"])
def test_gradients_follow_the_order_of_the_batch(name: str):
    model = MODELS[name]()
    layers = linear_targets(model)
    order = [3, 0, 4, 2, 1]
    straight, _ = gradients(model, layers, batch_of(ITEMS))
    mixed, _ = gradients(model, layers, batch_of([ITEMS[i] for i in order]))
    assert_same(mixed, {n: g[order] for n, g in straight.items()})


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_gradient_checkpointing_changes_nothing(name: str, reentrant: bool):
    model = MODELS[name]()
    layers = linear_targets(model)
    expected, values = gradients(model, layers, batch_of(ITEMS))
    model.train()
    model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": reentrant})
    runs = []
    handle = next(iter(layers.values())).register_forward_pre_hook(lambda *_: runs.append(1))
    found, again = gradients(model, layers, batch_of(ITEMS))
    handle.remove()
    assert len(runs) == 2  # it was in force
    assert_same(found, expected, 1e-6)
    torch.testing.assert_close(again, values)


@pytest.mark.parametrize("name", ["llama", "gpt2", "llama-lora", "gpt2-lora"])
def test_a_bfloat16_model_gives_its_own_gradients_in_float32_near_those_of_a_float32_model(name: str):
    low, high = (MODELS[name.removesuffix("-lora")]().to(dtype) for dtype in (torch.bfloat16, torch.float32))
    if name.endswith("lora"):  # gently: large random factors amplify bfloat16's rounding beyond any comparison
        low, high = adapted(low, 0.05), adapted(high, 0.05)
    high.load_state_dict(low.state_dict())
    layers = linear_targets(low)
    for item in ITEMS:
        found, value = gradients(low, layers, batch_of([item]))
        exact, plain = plain_gradients(high, linear_targets(high), [item]), plain_gradients(low, layers, [item])
        torch.testing.assert_close(value[0], plain_value(low, item).detach(), rtol=0.01, atol=0.1)
        for layer, expected in plain.items():
            assert found[layer].dtype == torch.float32
            assert (found[layer] - expected).norm() <= 0.1 * expected.norm(), layer
        flat = [torch.cat([g[n].flatten() for n in layers]) for g in (found, exact)]
        assert torch.cosine_similarity(flat[0], flat[1], dim=0) > 0.95


@pytest.mark.parametrize("with_metric", [False, True])
@pytest.mark.parametrize("side", [1, 3, 16])
@pytest.mark.parametrize("name", ["llama", "gpt2", "llama-lora"])
def test_sketches_are_the_projected_gradients_added_up(name: str, side: int, with_metric: bool):
    model = MODELS[name]()
    layers = linear_targets(model)
    metric = {n: torch.rand(weight_shape(m)) + 0.5 for n, m in layers.items()} if with_metric else None
    sketcher = sketcher_of(layers, side, metric)
    expected = torch.zeros(len(ITEMS), side * side)
    for n, gradient in plain_gradients(model, layers, ITEMS).items():
        weighted = gradient * metric[n] if metric else gradient
        expected += (sketcher.projections[n].left.T @ weighted @ sketcher.projections[n].right).flatten(1)
    found, values = sketches(model, layers, batch_of(ITEMS), sketcher)
    assert sketcher.width == side * side
    torch.testing.assert_close(found, expected.flatten(1), rtol=0, atol=1e-4 * float(expected.abs().max()))
    torch.testing.assert_close(values, torch.stack([plain_value(model, i) for i in ITEMS]).detach())


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 20), st.integers(1, 4))
def test_the_cheaper_form_gives_what_the_other_would(tokens: int, out: int, inner: int, side: int):
    projection = Projection.of("x", (out, inner), side, 0)
    generator = torch.Generator().manual_seed(tokens)
    backward = torch.randn(2, tokens, out, generator=generator)
    forward = torch.randn(2, tokens, inner, generator=generator)
    chosen = Sketcher({"x": projection})("x", backward, forward)
    ones = Sketcher({"x": projection}, {"x": torch.ones(out, inner)})("x", backward, forward)
    torch.testing.assert_close(chosen, ones, rtol=1e-4, atol=1e-3)


def test_both_forms_are_chosen_where_they_are_cheaper():
    projection = Projection.of("x", (64, 64), 8, 0)
    assert Sketcher._factored_is_cheaper(projection, 4)
    assert not Sketcher._factored_is_cheaper(Projection.of("x", (4, 4), 8, 0), 500)


def test_a_layer_that_runs_twice_adds_up():
    model = tiny_llama()
    model.model.layers[1].mlp = model.model.layers[0].mlp
    layers = linear_targets(model)
    assert_same(gradients(model, layers, batch_of(ITEMS))[0], plain_gradients(model, layers, ITEMS))


def test_a_row_without_an_answer_has_no_gradient_and_disturbs_no_other():
    model = MODELS["llama"]()
    layers = linear_targets(model)
    found, values = gradients(model, layers, batch_of([conversation(0, 4), ITEMS[0]]))
    assert values[0] == 0
    assert all(not g[0].any() for g in found.values())
    assert_same({n: g[1:] for n, g in found.items()}, plain_gradients(model, layers, ITEMS[:1]))


def test_frozen_layers_may_be_measured_and_a_caller_without_gradients_does_not_matter():
    model = MODELS["llama"]()
    layers = linear_targets(model)
    expected = plain_gradients(model, layers, ITEMS[:2])
    model.requires_grad_(False)
    with torch.no_grad():
        found, values = gradients(model, layers, batch_of(ITEMS[:2]))
    assert_same(found, expected)
    assert not values.requires_grad


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("name", ["llama", "gpt2-lora"])
def test_the_model_is_left_as_it_was(name: str, fails: bool):
    model = MODELS[name]()
    layers = linear_targets(model)
    needed = {n: p.requires_grad for n, p in model.named_parameters()}
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    if fails:
        with pytest.raises(IndexError):
            gradients(model, layers, batch_of([Tokens((5, 999), (-100, 999))]))
    else:
        sketches(model, layers, batch_of(ITEMS), sketcher_of(layers, 2))
    assert {n: p.requires_grad for n, p in model.named_parameters()} == needed
    assert all(p.grad is None and torch.equal(p, before[n]) for n, p in model.named_parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())


def test_training_goes_on_after_a_measurement():
    model = MODELS["llama"]()
    layers = linear_targets(model)
    gradients(model, layers, batch_of(ITEMS))
    plain_value(model, ITEMS[0]).backward()
    assert all(p.grad is not None for p in model.parameters())
