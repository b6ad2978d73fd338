"""What every test stands on: checked shapes, a home of its own, real data where there is any."""

from jaxtyping import install_import_hook

# Before anything imports whence: every function of these rooms checks the shapes in its signature.
install_import_hook(["whence.core", "whence.gradients", "whence.methods", "whence.levels"], "beartype.beartype")

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from whence import settings

HERE = Path(__file__).parent

# No deadline: a shared machine is slow at times. In CI the same examples each time.
hypothesis.settings.register_profile("whence", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("whence")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--repetitions", type=int, default=1, help="how often tests repeat what they leave to chance")


@pytest.fixture(scope="session")
def repetitions(request: pytest.FixtureRequest) -> int:
    """How often a test repeats what it leaves to chance."""
    return request.config.getoption("--repetitions")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, since they share fixtures, and those of the one service with the real
    base model: they take longest and start first."""
    service = HERE / "acceptance"
    apart = {"test_faults.py", "test_elsewhere.py"}
    groups = {
        item: "service"
        if service in item.path.parents and item.path.name not in apart
        else str(item.path.relative_to(HERE))
        for item in items
    }
    items.sort(key=lambda item: groups[item] != "service")
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A `WHENCE_HOME` for the session: runs are thrown away, converted base models are the person's own."""
    models = settings.models().absolute()
    models.mkdir(parents=True, exist_ok=True)
    place = tmp_path_factory.mktemp("whence-home")
    (place / "models").symlink_to(models, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHENCE_HOME", str(place))
        yield place


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new `WHENCE_HOME` with nothing in it, no models either."""
    place = tmp_path / "home"
    monkeypatch.setenv("WHENCE_HOME", str(place))
    return place


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the checkout. They are not part of Whence."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the data sets in {folder}, which is not there")
    return folder
