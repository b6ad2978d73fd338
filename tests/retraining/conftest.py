import pytest

from tests.tiny import save_tiny
from tests.training.runs import short, write_pairs
from whence.pipeline import finetune
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset, random_subsets
from whence.training.run import Run

PARTS = 4


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of twelve pairs that were learned."""
    place = tmp_path_factory.mktemp("learned")
    recipe = short(epochs=6, batch_size=4, learning_rate=2e-2, rank=4, seed=3)
    return finetune(write_pairs(place / "pairs.jsonl"), str(save_tiny(place / "base")), place / "run", recipe)


@pytest.fixture(scope="session")
def parts(learned: Run) -> list[Subset]:
    """Random halves, in the retrainings."""
    found = random_subsets(len(learned.examples), PARTS, 1, 3)
    Retrainings(learned).fill(found)
    return found


@pytest.fixture(scope="session")
def models(learned: Run) -> RetrainedModels:
    return RetrainedModels.of(learned)
