from typing import Any

import pytest

from whence.errors import TrainingError
from whence.training.recipe import Recipe

OPEN = ("epochs", "batch_size", "learning_rate")


@pytest.mark.parametrize("count", [1, 48, 5000, 1_000_000])
@pytest.mark.parametrize("full", [False, True])
def test_every_open_setting_is_filled_whatever_the_size_of_the_data(count: int, full: bool):
    chosen = Recipe(full=full).for_examples(count)
    assert all(getattr(chosen, name) > 0 for name in OPEN)
    assert chosen.steps(count) >= chosen.epochs


def test_settings_that_were_given_stay():
    given = Recipe(epochs=7, batch_size=3, learning_rate=0.5, seed=9)
    assert given.for_examples(48) == given
    assert Recipe(epochs=7).for_examples(48).epochs == 7


def test_48_examples_are_seen_more_often_than_5000_but_5000_take_more_steps():
    few, many = Recipe().for_examples(48), Recipe().for_examples(5000)
    assert few.epochs > many.epochs
    assert few.steps(48) < many.steps(5000)
    assert few.steps(48) >= 40


def test_full_fine_tuning_learns_in_smaller_steps():
    assert Recipe(full=True).for_examples(48).learning_rate < Recipe().for_examples(48).learning_rate


def test_the_last_smaller_batch_of_an_epoch_is_a_step():
    assert Recipe(epochs=2, batch_size=5).steps(12) == 6


@pytest.mark.parametrize("name", ["epochs", "batch_size", "learning_rate", "rank", "alpha", "checkpoints"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_setting_that_is_not_positive_is_refused_by_name(name: str, value: int):
    with pytest.raises(TrainingError, match=f"{name} must be greater than 0, not {value}"):
        Recipe(**{name: value})


@pytest.mark.parametrize("dropout", [-0.1, 1, 2])
def test_a_dropout_that_is_no_share_below_one_is_refused(dropout: float):
    with pytest.raises(TrainingError, match=f"dropout must be at least 0 and below 1, not {dropout}"):
        Recipe(dropout=dropout)


def test_equal_recipes_are_equal_and_cannot_be_changed():
    assert Recipe() == Recipe()
    with pytest.raises(AttributeError):
        Recipe().epochs = 1


def test_a_smooth_recipe_goes_in_smaller_steps_and_starts_slowly():
    usual, smooth = Recipe().for_examples(48), Recipe().smooth().for_examples(48)
    assert smooth.learning_rate < usual.learning_rate
    assert smooth.warmup > usual.warmup
    assert (smooth.epochs, smooth.batch_size) == (usual.epochs, usual.batch_size)


def test_a_smooth_recipe_keeps_a_given_learning_rate_and_a_longer_warmup():
    given = Recipe(learning_rate=1e-4, warmup=0.5)
    assert given.smooth() == given


@pytest.mark.parametrize("settings", [{"full": True}, {"dropout": 0.1}])
def test_a_training_that_cannot_be_differentiated_has_no_smooth_recipe(settings: dict[str, Any]):
    with pytest.raises(TrainingError, match="LoRA without dropout"):
        Recipe(**settings).smooth()


def test_a_whole_number_means_the_same_recipe() -> None:
    whole = Recipe(learning_rate=1, warmup=0, alpha=16, dropout=0)
    assert repr(whole) == repr(Recipe(learning_rate=1.0, warmup=0.0, alpha=16.0, dropout=0.0))
