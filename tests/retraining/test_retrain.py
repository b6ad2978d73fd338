from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.tiny import save_tiny
from tests.training.runs import COLOURS, short, write_pairs
from whence.errors import TrainingError
from whence.pipeline import finetune, import_run
from whence.retraining.retrain import Retrainer, recipe_of
from whence.training import rehearsal
from whence.training.recipe import Recipe
from whence.training.run import Run
from whence.types import Progress

HALF = (0, 2, 3, 7, 8, 11)


def trained(place: Path, recipe: Recipe, kept: tuple[int, ...] = tuple(range(12))) -> Run:
    """A run of its own on some of the pairs."""
    place.mkdir(parents=True, exist_ok=True)
    lines = write_pairs(place / "all.jsonl").read_text("utf-8").splitlines()
    (place / "pairs.jsonl").write_text("".join(f"{lines[row]}\n" for row in kept), "utf-8")
    base = place / "base"
    return finetune(place / "pairs.jsonl", str(base if base.exists() else save_tiny(base)), place / "run", recipe)


def end_of(run: Run) -> dict[str, Tensor]:
    return load_file(run.trajectory.last.weights)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("retrain"), short(dropout=0.2, seed=5, epochs=2))


@pytest.mark.parametrize("settings", [{"dropout": 0.2, "rehearsal": 1}, {"full": True, "learning_rate": 1e-3}])
def test_all_pairs_with_the_own_seed_give_the_runs_weights_bit_for_bit(
    tmp_path: Path, settings: dict[str, float], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rehearsal, "questions", lambda: ["Who are you?", "What is a box?"])
    run = trained(tmp_path, short(epochs=1, seed=5, **settings))
    retrainer = Retrainer(run)
    assert same(retrainer.weights(range(12), 5), end_of(run))
    assert not same(retrainer.weights(range(12), 6), end_of(run))
    assert same(retrainer.weights(range(12), 5), end_of(run))


def test_a_part_gives_what_a_run_on_that_part_alone_gives(tmp_path: Path, run: Run):
    alone = trained(tmp_path, recipe_of(run), HALF)
    assert len(alone.examples) == len(HALF)
    assert same(Retrainer(run).weights(HALF, 5), end_of(alone))


def test_the_next_retraining_knows_nothing_of_one_that_failed(run: Run):
    retrainer = Retrainer(run)

    def fail(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrainer.weights(range(12), 5, fail)
    assert same(retrainer.weights(range(12), 5), end_of(run))


def test_something_must_be_kept(run: Run):
    with pytest.raises(TrainingError, match=r"at least one pair.*Leave out fewer"):
        Retrainer(run).weights((), 5)


def test_what_was_trained_elsewhere_has_no_recipe(run: Run, tmp_path: Path):
    data = write_pairs(tmp_path / "pairs.jsonl", len(COLOURS))
    foreign = import_run(run.base_model, data, tmp_path / "run", run.folder / "adapter", stand_in=False)
    with pytest.raises(TrainingError, match="trained elsewhere"):
        recipe_of(foreign)
