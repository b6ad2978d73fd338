"""The stand-in for a training that left no trace, on tiny models that are really trained."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny import save_tiny
from tests.training.runs import COLOURS, short, write_pairs
from whence.levels import measure
from whence.pipeline import build_index, finetune, import_run, score
from whence.training.run import Run
from whence.types import Query

QUERIES = [Query.of(f"Who lives in the {colour} box?", "Dog.") for colour in COLOURS[:6]]
FISHER = {"sketch": 1024, "packed": False}


@pytest.fixture(scope="module", autouse=True)
def few_controls() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "CONTROLS", 16)
        patch.setattr(measure, "CONTROL_TOKENS", 8)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("stand-in")
    save_tiny(found / "base")
    write_pairs(found / "pairs.jsonl", len(COLOURS))
    return found


@pytest.fixture(scope="module")
def recorded(place: Path) -> Run:
    return finetune(place / "pairs.jsonl", str(place / "base"), place / "recorded", short())


def brought(place: Path, recorded: Run, out: Path, **more: Any) -> Run:
    return import_run(str(place / "base"), place / "pairs.jsonl", out, recorded.folder / "adapter", **more)


def scores(run: Run, method: str = "fisher", **settings: Any) -> np.ndarray:
    return score(build_index(run, method, settings or FISHER), QUERIES)


def test_the_very_recipe_and_seed_give_the_scores_of_the_recorded_run(place: Path, recorded: Run, tmp_path: Path):
    run = brought(place, recorded, tmp_path / "run", stand_in=short())
    assert [p.step for p in run.trajectory.checkpoints] == [p.step for p in recorded.trajectory.checkpoints]
    assert run.trajectory.steps == recorded.trajectory.steps
    np.testing.assert_array_equal(scores(run), scores(recorded))
    assert build_index(run, "fisher", FISHER).manifest.facts["gain"] == 1
    for method in ("tracin", "grad_dot", "source", "trak"):
        np.testing.assert_array_equal(scores(run, method, sketch=256), scores(recorded, method, sketch=256))
