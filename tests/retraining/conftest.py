import pytest

from tests.tiny import save_tiny
from tests.training.runs import short, write_pairs
from whence.pipeline import finetune
from whence.retraining.bank import Bank, Draw, random_parts
from whence.retraining.values import Gauge
from whence.training.run import Run

PARTS = 4


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of twelve pairs that were learned."""
    place = tmp_path_factory.mktemp("learned")
    recipe = short(epochs=6, batch_size=4, learning_rate=2e-2, rank=4, seed=3)
    return finetune(write_pairs(place / "pairs.jsonl"), str(save_tiny(place / "base")), place / "run", recipe)


@pytest.fixture(scope="session")
def parts(learned: Run) -> list[Draw]:
    """Random halves, in the bank."""
    found = random_parts(len(learned.examples), PARTS, 1, 3)
    Bank(learned).fill(found)
    return found


@pytest.fixture(scope="session")
def gauge(learned: Run) -> Gauge:
    return Gauge.of(learned)
