from typing import Any

import pytest

from whence.errors import DataError
from whence.platform.recipes import recipe_of
from whence.training.recipe import Recipe


def test_without_lora_all_weights_are_trained():
    assert recipe_of({}) == {"full": True}
    assert Recipe(**recipe_of({"lora_config": None})).full


def test_lora_as_the_official_client_sends_it():
    given = {"r": 4, "alpha": 8, "dropout": 0.05, "bias": "none", "extras": {}}
    assert recipe_of({"lora_config": given}) == {"rank": 4, "alpha": 8, "dropout": 0.05}
    assert not Recipe(**recipe_of({"lora_config": given})).full


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"n_epochs": 7}, {"epochs": 7}),
        ({"batch_size": 3}, {"batch_size": 3}),
        ({"learning_rate": 1e-4}, {"learning_rate": 1e-4}),
        ({"n_checkpoints": 5}, {"checkpoints": 5}),
        ({"seed": 0}, {"seed": 0}),
        ({"max_length": 64}, {"max_length": 64, "truncate": True}),
    ],
)
def test_each_setting_has_its_place_in_the_recipe(given: dict[str, Any], expected: dict[str, Any]):
    assert recipe_of(given) == {**expected, "full": True}
    recipe = Recipe(**recipe_of(given))
    assert all(getattr(recipe, name) == value for name, value in expected.items())


def test_settings_that_are_left_open_stay_open():
    names = ("n_epochs", "batch_size", "learning_rate", "n_checkpoints", "max_length", "seed")
    assert recipe_of({**dict.fromkeys(names), "lora_config": dict.fromkeys(("r", "alpha", "dropout", "extras"))}) == {}


def test_layers_can_be_named():
    given = {"r": 4, "extras": {"target_modules": ["q_proj", "v_proj"]}}
    assert recipe_of({"lora_config": given}) == {"rank": 4, "targets": ("q_proj", "v_proj")}
    assert recipe_of({"lora_config": {"extras": {"target_modules": "all-linear"}}}) == {"targets": "all-linear"}


def test_what_does_not_matter_here_is_left_out():
    given = {"model": "m", "training_files": ["f"], "experiment_name": "x", "gradient_checkpointing": True}
    assert recipe_of({**given, "fine_tune_type": "STANDARD", "pre_train": False}) == {"full": True}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fine_tune_type": "GRPO"}, "fine_tune_type must be STANDARD .found 'GRPO'"),
        ({"fine_tune_type": "PREFERENCE"}, "fine_tune_type must be STANDARD"),
        ({"pre_train": True}, "pre_train must be false"),
        ({"reward_components": {"a": 1}}, "reward_components is not supported"),
        ({"beta": 0.1}, "beta is not supported"),
        ({"validation_files": ["file-1"]}, "validation_files is not supported"),
        ({"lora_config": {"bias": "all"}}, "lora_config.bias must be 'none' .found 'all'"),
        ({"lora_config": {"extras": {"use_dora": True, "a": 1}}}, "target_modules only .found a, use_dora"),
        ({"lora_config": {"extras": {"target_modules": 3}}}, "target_modules must be"),
        ({"lora_config": {"extras": {"target_modules": ["a", 3]}}}, "target_modules must be"),
        ({"lora_config": {"extras": {"target_modules": []}}}, "target_modules must be"),
    ],
)
def test_what_whence_does_not_do_is_refused(given: dict[str, Any], message: str):
    with pytest.raises(DataError, match=message):
        recipe_of(given)
