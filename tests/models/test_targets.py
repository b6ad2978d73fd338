import pytest
from torch import nn
from transformers.pytorch_utils import Conv1D

from tests.tiny import tiny_gpt2, tiny_llama
from whence.errors import MethodError
from whence.models.adapter import with_lora
from whence.models.targets import linear_targets, weight_shape


@pytest.mark.parametrize("tied", [True, False])
def test_a_fully_trained_llama_is_measured_everywhere_but_at_the_head(tied: bool):
    found = linear_targets(tiny_llama(tie_word_embeddings=tied))
    assert len(found) == 2 * 7
    assert "lm_head" not in found
    assert list(found) == sorted(found)


def test_conv1d_layers_are_measured():
    found = linear_targets(tiny_gpt2())
    assert len(found) == 2 * 4
    assert all(isinstance(module, Conv1D) for module in found.values())


@pytest.mark.parametrize("build", [tiny_llama, tiny_gpt2])
def test_with_an_adapter_both_factors_are_measured_and_nothing_else(build):
    found = linear_targets(with_lora(build(), 4, 8, "all-linear", seed=0))
    assert len(found) == 2 * 2 * (7 if build is tiny_llama else 4)
    assert all(type(module) is nn.Linear and ".lora_" in name for name, module in found.items())
    assert all(4 in weight_shape(module) for module in found.values())


def test_only_the_active_adapter_is_measured():
    adapted = with_lora(tiny_llama(), 4, 8, "all-linear", seed=0)
    adapted.add_adapter("other", adapted.peft_config["default"])
    assert all(name.endswith(".default") for name in linear_targets(adapted))


def test_frozen_layers_are_left_out():
    model = tiny_llama().requires_grad_(False)
    with pytest.raises(MethodError, match="has none"):
        linear_targets(model)
    model.model.layers[0].mlp.up_proj.requires_grad_(True)
    assert list(linear_targets(model)) == ["model.layers.0.mlp.up_proj"]


def test_shapes_are_out_by_in_for_both_kinds_of_layer():
    assert weight_shape(nn.Linear(3, 5)) == (5, 3)
    assert weight_shape(Conv1D(5, 3)) == (5, 3)
