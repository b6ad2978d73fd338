"""Estimates follow their formula, and parameters are counted without loading."""

from pathlib import Path

import pytest
from transformers import PreTrainedModel

from tests.tiny import save_tiny, tiny_gpt2, tiny_llama
from whence.core.packing import packed_bytes
from whence.data.report import DataReport, TokenCounts
from whence.methods.fisher import FisherInfluence
from whence.models.adapter import with_lora
from whence.training.estimate import (
    INDEX_FACTOR,
    POINTS,
    SCALE_BYTES,
    SKETCH,
    TRAIN_FACTOR,
    Parameters,
    estimate,
    measured_speed,
    parameters_of,
    speed_of,
)
from whence.training.recipe import Recipe

REPORT = DataReport(100, 100, 5_000, {}, TokenCounts(10_000, 120, 100.0, 3_000), (), (), 0)
MODEL = Parameters(1_000_000, 5_000)


def test_time_is_flops_over_speed() -> None:
    found = estimate(REPORT, Recipe(epochs=3), MODEL, speed=1e9)
    assert found.train_seconds == pytest.approx(TRAIN_FACTOR * 4 * 10_000 * 1_000_000 * 3 / 1e9)
    assert found.index_seconds == pytest.approx(INDEX_FACTOR * (4 * 4 + 2) * 10_000 * 1_000_000 / 1e9)
    assert found.seconds == found.train_seconds + found.index_seconds


def test_all_weights_take_half_as_long_again_and_more_disk() -> None:
    lora, full = (estimate(REPORT, Recipe(full=full, epochs=3), MODEL, speed=1e9) for full in (False, True))
    assert full.train_seconds == pytest.approx(1.5 * lora.train_seconds)
    assert full.disk_bytes > 3 * lora.disk_bytes


@pytest.mark.parametrize("model", [tiny_llama(), tiny_llama(tie_word_embeddings=False), tiny_gpt2()])
def test_parameters_are_read_from_the_headers(model: PreTrainedModel, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / "base", model)
    found = parameters_of(folder)
    assert found.total == sum(p.numel() for p in model.parameters())
    adapted = with_lora(model, 3, 16.0, "all-linear", 0)
    assert 3 * found.per_rank == sum(p.numel() for n, p in adapted.named_parameters() if "lora" in n)


def test_speed_is_positive() -> None:
    assert measured_speed(full=True) > 1e6


def test_the_default_method_is_as_it_is_said_to_be() -> None:
    method = FisherInfluence()
    assert (method.points, method.sketch, method.packed) == (POINTS, SKETCH, True)
    width = POINTS * SKETCH
    assert packed_bytes(width, POINTS) == width // 2 + POINTS * SCALE_BYTES


@pytest.mark.parametrize("full", [False, True])
def test_the_speed_of_a_finished_training_gives_its_time_again(full: bool) -> None:
    recipe = Recipe(full=full, epochs=3)
    seconds = estimate(REPORT, recipe, MODEL, speed=3e9).train_seconds
    assert speed_of(seconds, 10_000, recipe, MODEL) == pytest.approx(3e9)
