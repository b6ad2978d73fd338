"""LoRA adapters on a base model: create, load, read, write; their weights are always float32."""

import json
import re
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import peft
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import safe_open
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from whence.errors import ModelError
from whence.models.quiet import quiet
from whence.store.artifact import write_json

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
FEED_FORWARD = re.compile(r"\.(mlp|ffn|feed_forward)\.")


def with_lora(
    model: PreTrainedModel, rank: int, alpha: float, targets: str | Sequence[str], seed: int, dropout: float = 0.0
) -> PeftModel:
    """Put a fresh LoRA adapter on `model`, keeping its mode: the base is frozen, equal seeds give equal weights.

    `targets` is "all-linear" (every linear layer but the output embedding), "mlp" or names of layers. `dropout` is the
    share of the adapter's inputs that each training step drops. The model is changed in place.

    Raises:
        ModelError: rank or alpha is not positive, dropout is not in [0, 1), or no layer has such a name.
    """
    if rank < 1 or alpha <= 0:
        raise ModelError(
            f"LoRA needs a rank of at least 1 and a positive alpha (found {rank} and {alpha:g}). Change them."
        )
    if not 0 <= dropout < 1:
        raise ModelError(f"LoRA needs a dropout of at least 0 and below 1 (found {dropout:g}). Try 0.05.")
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=rank,
        lora_alpha=cast(int, alpha),
        lora_dropout=dropout,
        target_modules=target_names(model, targets),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
    )
    return _with_fresh(model, config, seed)


def with_lora_like(model: PreTrainedModel, folder: Path, seed: int) -> PeftModel:
    """Put a fresh LoRA adapter on `model`, shaped like the one in `folder`: its ranks, scales, layers and dropout.

    The model is changed in place.

    Raises:
        ModelError: the folder holds no LoRA adapter in safetensors, or one made for another base model.
    """
    check_adapter(folder)
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # settings of another release of peft
        config = cast(LoraConfig, LoraConfig.from_pretrained(str(folder)))
    config.inference_mode = False
    if config.init_lora_weights != "gaussian":
        config.init_lora_weights = True  # the other initialisations start from the base model's weights and change them
    return _with_fresh(model, config, seed)


def lora_form(folder: Path) -> tuple[int, float, str | tuple[str, ...], float]:
    """Return rank, alpha, targets and dropout of the adapter in `folder`.

    Raises:
        ModelError: the folder holds no LoRA adapter in safetensors.
    """
    check_adapter(folder)
    config = cast(dict[str, Any], json.loads((folder / CONFIG).read_text("utf-8")))
    targets = config.get("target_modules") or "all-linear"
    named = targets if isinstance(targets, str) else tuple(sorted(cast(list[str], targets)))
    return int(config["r"]), float(config["lora_alpha"]), named, float(config.get("lora_dropout") or 0)


def _with_fresh(model: PreTrainedModel, config: LoraConfig, seed: int) -> PeftModel:
    training, targets = model.training, config.target_modules
    with seeded(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            adapted = cast(PeftModel, get_peft_model(model, config, autocast_adapter_dtype=True))
        except ValueError as error:
            raise ModelError(f"LoRA cannot be put on {targets!r}: {error}") from error
    return adapted.train(training)  # a fresh adapter is in training mode, whatever the mode of the model


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Seed torch's random numbers within a block; afterwards they continue as if it had not run."""
    random = cast(Any, torch.random)
    with random.fork_rng():
        random.manual_seed(seed)
        yield


def target_names(model: PreTrainedModel, targets: str | Sequence[str]) -> str | list[str]:
    """Return the targets as peft names them; "mlp" means the linear layers of the feed-forward blocks, or all linear
    layers if the model's feed-forward blocks have other names."""
    if targets != "mlp":
        return targets if isinstance(targets, str) else list(targets)
    linear = (name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D))
    return [name for name in linear if FEED_FORWARD.search(name)] or "all-linear"


def load_adapter(model: PreTrainedModel, folder: Path) -> PeftModel:
    """Load the LoRA adapter of `folder` onto `model`, keeping its mode; the adapter's weights are trainable.

    The model is changed in place.

    Raises:
        ModelError: the folder holds no LoRA adapter in safetensors, or one made for another base model.
    """
    check_adapter(folder)
    training = model.training
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            adapted = cast(PeftModel, cast(Any, PeftModel).from_pretrained(model, folder, is_trainable=True))
    except (ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"The adapter in {folder} does not fit this base model: {error}") from error
    stored = stored_names(folder)
    state = cast(Any, peft).get_peft_model_state_dict(adapted, save_embedding_layers=False)
    expected = cast(Mapping[str, Tensor], state).keys()
    if odd := sorted(stored ^ expected):
        raise ModelError(
            f"The adapter in {folder} does not fit this base model: {len(odd)} weights differ ({odd[0]}, …). "
            "Name the base model it was trained on."
        )
    return adapted.train(training)


def remove_adapter(model: PeftModel) -> PreTrainedModel:
    """Return the base model without its adapter, as it was before. `model` can no longer be used."""
    base = cast(PreTrainedModel, cast(Any, model).unload())
    base.requires_grad_(True)  # an adapter freezes its base model
    return base


def check_adapter(folder: Path) -> None:
    """Raise unless `folder` holds a plain LoRA adapter in safetensors."""
    if not (folder / CONFIG).is_file():
        raise ModelError(f"{folder} must hold a PEFT adapter but has no {CONFIG}. Name the folder that has it.")
    if not (folder / WEIGHTS).is_file():
        raise ModelError(f"{folder} must hold {WEIGHTS}. Save the adapter with safe_serialization=True.")
    config = cast(dict[str, Any], json.loads((folder / CONFIG).read_text("utf-8")))
    kind = config.get("peft_type")
    if kind != "LORA" or config.get("use_dora"):
        raise ModelError(
            f"Only LoRA adapters can be traced (found {'DoRA' if kind == 'LORA' else kind} in {folder}). "
            "Merge the adapter into its base model and name the merged folder instead."
        )


def stored_names(folder: Path) -> set[str]:
    """Return the names of the weights in an adapter file."""
    with cast(Any, safe_open)(folder / WEIGHTS, framework="pt") as file:
        return set(cast(list[str], file.keys()))


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write the adapter into `folder` (safetensors and its configuration); the base model is not copied."""
    with quiet():
        # "auto" would look up the base model on the hub to compare vocabularies.
        model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    # peft stores the layers' names as a set; sorted, equal adapters are equal files.
    path = folder / CONFIG
    config = cast(dict[str, Any], json.loads(path.read_text("utf-8")))
    if isinstance(names := config.get("target_modules"), list):
        config["target_modules"] = sorted(cast(list[str], names))
    write_json(path, config)


def trainable_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return a CPU copy of every weight that training changes, by parameter name."""
    return {name: p.detach().to("cpu", copy=True) for name, p in trainable(model).items()}


def put_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy `weights` into the trainable parameters of `model`, in place.

    Raises:
        ModelError: a name is missing or unknown, or a shape differs; nothing is copied.
    """
    parameters = trainable(model)
    if odd := sorted(parameters.keys() ^ weights.keys()):
        state = "missing" if odd[0] in parameters else "unknown"
        raise ModelError(
            f"Weights must match the trainable parameters: {len(odd)} differ ({odd[0]} is {state}). "
            "Use the same base model and adapter."
        )
    for name, parameter in parameters.items():
        if parameter.shape != weights[name].shape:
            found, expected = tuple(weights[name].shape), tuple(parameter.shape)
            raise ModelError(f"Weight {name} must have the shape {expected} (found {found}). Use the same base model.")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that require gradients, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
