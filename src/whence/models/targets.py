"""The layers whose gradients are measured: linear maps, whose gradient per token is an outer product."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from peft import PeftModel
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from whence.errors import MethodError


def linear_targets(model: PreTrainedModel | PeftModel) -> dict[str, nn.Module]:
    """Return the measured layers by name, sorted.

    With an adapter: both factors of each adapted layer, each a linear map itself. Without: every linear layer whose
    weight is trained, except the output embedding, whose gradient is as large as the vocabulary.

    Raises:
        MethodError: no trained layer is linear.
    """
    found = lora_factors(model) if isinstance(model, PeftModel) else trained_layers(model)
    if not found:
        raise MethodError(
            "Attribution measures linear layers that fine-tuning changes, and this model has none. "
            "Put a LoRA adapter on it, or let its linear layers train (requires_grad)."
        )
    return dict(sorted(found.items()))


def lora_factors(model: PeftModel) -> dict[str, nn.Module]:
    """Return the A and B factors of the active adapter."""
    adapter = cast(str, cast(Any, model).active_adapter)
    ends = (f".lora_A.{adapter}", f".lora_B.{adapter}")
    return {name: m for name, m in modules_of(model) if name.endswith(ends) and isinstance(m, nn.Linear)}


def second_factors(layers: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Return the layers that are B factors of an adapter, or all layers if none is."""
    return {name: layer for name, layer in layers.items() if ".lora_B." in name} or dict(layers)


def trained_layers(model: PreTrainedModel) -> dict[str, nn.Module]:
    """Return the linear layers with a trainable weight, without the output embedding, tied or not."""
    head = cast(nn.Module | None, model.get_output_embeddings())
    return {
        name: module
        for name, module in modules_of(model)
        if isinstance(module, nn.Linear | Conv1D) and module is not head and weight_of(module).requires_grad
    }


def modules_of(model: nn.Module) -> Iterable[tuple[str, nn.Module]]:
    """Return every module of a model with its name."""
    return cast(Iterable[tuple[str, nn.Module]], model.named_modules())


def weight_shape(module: nn.Module) -> tuple[int, int]:
    """Return (out, in) of a linear layer; a Conv1D stores its weight transposed."""
    rows, columns = weight_of(module).shape
    return (columns, rows) if isinstance(module, Conv1D) else (rows, columns)


def weight_of(module: nn.Module) -> Tensor:
    """Return the weight matrix of a linear layer, as stored."""
    return cast(Tensor, module.weight)
