"""A training configuration in SeekrFlow's words as the settings of a recipe."""

from collections.abc import Sequence
from typing import Any, cast

from whence.data.read import short
from whence.errors import DataError


def recipe_of(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of a `Recipe`: LoRA where `lora_config` is given, else full fine-tuning.

    Raises:
        DataError: something is asked for that Whence does not do.
    """
    require_supported(config)
    settings = {
        "n_epochs": "epochs",
        "batch_size": "batch_size",
        "learning_rate": "learning_rate",
        "n_checkpoints": "checkpoints",
        "max_length": "max_length",
        "seed": "seed",
    }
    recipe = {to: config[given] for given, to in settings.items() if config.get(given) is not None}
    if "max_length" in recipe:
        recipe["truncate"] = True
    lora = config.get("lora_config")
    if lora is None:
        return {**recipe, "full": True}
    names = {"r": "rank", "alpha": "alpha", "dropout": "dropout"}
    adapted = {to: lora[given] for given, to in names.items() if lora.get(given) is not None}
    targets = (lora.get("extras") or {}).get("target_modules")
    chosen = {} if targets is None else {"targets": targets if isinstance(targets, str) else tuple(targets)}
    return {**recipe, **adapted, **chosen}


def require_supported(config: dict[str, Any]) -> None:
    """Raise unless everything that is asked for can be done."""
    kind = config.get("fine_tune_type") or "STANDARD"
    if kind != "STANDARD":
        raise DataError(
            f"fine_tune_type must be STANDARD (found {kind!r}): Whence fine-tunes on question/answer pairs."
        )
    if config.get("pre_train"):
        raise DataError("pre_train must be false: Whence fine-tunes on question/answer pairs.")
    for name in ("reward_components", "beta", "validation_files"):
        if config.get(name):
            raise DataError(f"{name} is not supported. Leave it out.")
    lora = config.get("lora_config") or {}
    if (lora.get("bias") or "none") != "none":
        raise DataError(f"lora_config.bias must be 'none' (found {lora['bias']!r}). Leave it out.")
    extras = lora.get("extras") or {}
    if unknown := sorted(set(extras) - {"target_modules"}):
        raise DataError(
            f"lora_config.extras may hold target_modules only (found {', '.join(unknown)}). Leave the rest out."
        )
    targets = extras.get("target_modules")
    if targets is not None and not _are_layers(targets):
        raise DataError(
            "lora_config.extras.target_modules must be 'mlp', 'all-linear' or a list of layers' names "
            f"(found {short(targets)}). Correct it, or leave it out."
        )


def _are_layers(targets: Any) -> bool:
    if isinstance(targets, str):
        return bool(targets)
    if not isinstance(targets, list | tuple) or not targets:
        return False
    return all(isinstance(name, str) and name for name in cast(Sequence[object], targets))
