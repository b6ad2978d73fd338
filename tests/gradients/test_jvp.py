"""Slopes along a direction, held against autograd's gradient of one token after the other."""

import pytest
import torch

from tests.gradients.plain import ITEMS, MODELS, batch_of, one_by_one, plain_gradients
from whence.core.projection import Projection
from whence.gradients.capture import Sketcher
from whence.gradients.jvp import token_jvp
from whence.models.targets import linear_targets, weight_shape
from whence.types import Tokens

SIDE = 6


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", MODELS)
def test_slopes_are_the_inner_products_with_the_sketch_of_every_token(name: str, attention: str, weighted: bool):
    model = MODELS[name]()
    model.set_attn_implementation(attention)
    layers = linear_targets(model)
    draw = torch.Generator().manual_seed(2)
    projections = {n: Projection.of(n, weight_shape(layer), SIDE, 0) for n, layer in layers.items()}
    metric = {n: 0.1 + torch.rand(weight_shape(layer), generator=draw) for n, layer in layers.items()}
    direction = torch.randn(SIDE * SIDE, generator=draw)
    alone = [token for item in ITEMS for token in one_by_one(item)]
    expected = torch.zeros(len(alone), dtype=torch.float64)
    for n, gradient in plain_gradients(model, layers, alone).items():
        weights = metric[n] if weighted else torch.ones(())
        expected += projections[n].dense(gradient * weights).flatten(1).double() @ direction.double()
    sketcher = Sketcher(projections, metric if weighted else None)
    found = token_jvp(model, layers, batch_of(ITEMS), sketcher, direction)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_the_tokens_of_a_conversation_carry_loss_one_at_a_time() -> None:
    found = one_by_one(Tokens((5, 6, 7, 8), (5, -100, 7, 8)))
    assert found == [Tokens((5, 6, 7, 8), (-100, -100, 7, -100)), Tokens((5, 6, 7, 8), (-100, -100, -100, 8))]


def test_the_model_is_left_as_it_was():
    model = MODELS["llama-lora"]()
    layers = linear_targets(model)
    projections = {n: Projection.of(n, weight_shape(layer), SIDE, 0) for n, layer in layers.items()}
    before = model(batch_of(ITEMS).input_ids).logits
    token_jvp(model, layers, batch_of(ITEMS), Sketcher(projections), torch.ones(SIDE * SIDE))
    after = model(batch_of(ITEMS).input_ids).logits
    assert torch.equal(before, after)
    assert after.requires_grad
