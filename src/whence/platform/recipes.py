"""A training configuration in SeekrFlow's words as the settings of a recipe."""

from typing import Any

from whence.errors import DataError


def recipe_of(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of a `Recipe`: LoRA where `lora_config` is given, else full fine-tuning.

    Raises:
        DataError: something is asked for that Whence does not do.
    """
    require_supported(config)
    names = {
        "n_epochs": "epochs",
        "batch_size": "batch_size",
        "learning_rate": "learning_rate",
        "n_checkpoints": "checkpoints",
        "max_length": "max_length",
        "seed": "seed",
    }
    recipe = {to: config[given] for given, to in names.items() if config.get(given) is not None}
    if "max_length" in recipe:
        recipe["truncate"] = True
    lora = config.get("lora_config")
    if lora is None:
        return {**recipe, "full": True}
    adapted = {
        to: lora[given] for given, to in {"r": "rank", "alpha": "alpha", "dropout": "dropout"}.items() if given in lora
    }
    targets = (lora.get("extras") or {}).get("target_modules")
    return {**recipe, **adapted, **({"targets": targets} if targets else {})}


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
    if lora.get("bias", "none") != "none":
        raise DataError(f"lora_config.bias must be 'none' (found {lora['bias']!r}). Leave it out.")
    if unknown := sorted(set(lora.get("extras") or {}) - {"target_modules"}):
        raise DataError(
            f"lora_config.extras may hold target_modules only (found {', '.join(unknown)}). Leave the rest out."
        )
