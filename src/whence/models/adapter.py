"""LoRA adapters on a base model: made, loaded, read out, written back; their weights are always float32."""

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
    """`model` with a fresh LoRA adapter, in the mode it is in: the base frozen, equal seeds giving equal weights.

    `targets` is "all-linear" (every linear layer but the output embedding), "mlp" or names of layers. `dropout` is the
    share of the adapter's inputs that is left out in each training step. The model is changed in place.

    Raises:
        ModelError: rank or alpha is not positive, dropout is no share below 1, or no layer has such a name.
    """
    if rank < 1 or alpha <= 0:
        raise ModelError(f"LoRA needs a rank of at least 1 and a positive alpha (found {rank} and {alpha:g}).")
    if not 0 <= dropout < 1:
        raise ModelError(f"LoRA needs a dropout of at least 0 and below 1 (found {dropout:g}).")
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
    """`model` with a fresh LoRA adapter of the form of the one in `folder`: its ranks, scales, layers and dropout.

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
        config.init_lora_weights = True  # the other ways begin from the base model's weights, which they change
    return _with_fresh(model, config, seed)


def lora_form(folder: Path) -> tuple[int, float, str | tuple[str, ...], float]:
    """Rank, alpha, targets and dropout of the adapter in `folder`.

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
    return adapted.train(training)  # a fresh adapter comes in training mode, whatever the model's


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """A block with torch's random numbers at `seed`; afterwards they go on as if it had not been."""
    random = cast(Any, torch.random)
    with random.fork_rng():
        random.manual_seed(seed)
        yield


def target_names(model: PreTrainedModel, targets: str | Sequence[str]) -> str | list[str]:
    """The targets in peft's words; "mlp" means the linear layers of the feed-forward blocks, or all where a model names
    its blocks in another way."""
    if targets != "mlp":
        return targets if isinstance(targets, str) else list(targets)
    linear = (name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D))
    return [name for name in linear if FEED_FORWARD.search(name)] or "all-linear"


def load_adapter(model: PreTrainedModel, folder: Path) -> PeftModel:
    """`model` with the LoRA adapter of `folder` on it, in the mode it is in; the adapter's weights are trainable.

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
    there = stored_names(folder)
    state = cast(Any, peft).get_peft_model_state_dict(adapted, save_embedding_layers=False)
    wanted = cast(Mapping[str, Tensor], state).keys()
    if odd := sorted(there ^ wanted):
        raise ModelError(
            f"The adapter in {folder} does not fit this base model: {len(odd)} weights differ ({odd[0]}, …). "
            "Name the base model it was trained on."
        )
    return adapted.train(training)


def remove_adapter(model: PeftModel) -> PreTrainedModel:
    """The base model under an adapter, as it was before the adapter was put on it. `model` cannot be used any more."""
    base = cast(PreTrainedModel, cast(Any, model).unload())
    base.requires_grad_(True)  # an adapter freezes what it is put on
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
    """Names of the weights in an adapter file."""
    with cast(Any, safe_open)(folder / WEIGHTS, framework="pt") as file:
        return set(cast(list[str], file.keys()))


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write the adapter into `folder` (safetensors and its configuration); the base model is not copied."""
    with quiet():
        # "auto" would look the base model up on a hub to see whether its vocabulary has grown.
        model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    # peft keeps the layers' names as a set; in order, equal adapters are equal files.
    path = folder / CONFIG
    config = cast(dict[str, Any], json.loads(path.read_text("utf-8")))
    if isinstance(names := config.get("target_modules"), list):
        config["target_modules"] = sorted(cast(list[str], names))
    write_json(path, config)


def trainable_weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy on the processor of every weight that training changes, by parameter name."""
    return {name: p.detach().to("cpu", copy=True) for name, p in trainable(model).items()}


def put_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy `weights` into the trainable parameters of `model`, in place.

    Raises:
        ModelError: a name is missing or unknown, or a shape differs. Nothing is copied then.
    """
    there = trainable(model)
    if odd := sorted(there.keys() ^ weights.keys()):
        state = "missing" if odd[0] in there else "unknown"
        raise ModelError(f"Weights must name just the trainable parameters: {len(odd)} differ ({odd[0]} is {state}).")
    for name, parameter in there.items():
        if parameter.shape != weights[name].shape:
            found, wanted = tuple(weights[name].shape), tuple(parameter.shape)
            raise ModelError(f"Weight {name} must have the shape {wanted} (found {found}). Use the same base model.")
    with torch.no_grad():
        for name, parameter in there.items():
            parameter.copy_(weights[name])


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that require gradients, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
