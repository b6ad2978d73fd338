"""What every test stands on: checked shapes, a home of its own, real data where there is any."""

from jaxtyping import install_import_hook

# Before anything imports whence: every function of these rooms checks the shapes in its signature.
install_import_hook(["whence.core", "whence.gradients", "whence.methods", "whence.levels"], "beartype.beartype")

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from whence import settings

# No deadline: a shared machine is slow at times. In CI the same examples each time.
hypothesis.settings.register_profile("whence", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("whence")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--repetitions", type=int, default=1, help="how often tests repeat what they leave to chance")


@pytest.fixture(scope="session")
def repetitions(request: pytest.FixtureRequest) -> int:
    """How often a test repeats what it leaves to chance."""
    return request.config.getoption("--repetitions")


def group_of(path: str) -> str:
    """The group of a file of tests, given by its path from the root: the file, or "service" for those that share one
    service with the real base model in it."""
    parts = Path(path).parts
    own_services = ("test_faults.py", "test_elsewhere.py")
    return "service" if "acceptance" in parts and parts[-1] not in own_services else path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests with the real base model first: they take longest."""
    items.sort(key=lambda item: group_of(item.nodeid.partition("::")[0]) != "service")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a group in one process, since they share fixtures."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid.partition("::")[0])

    return ByGroup(config, log)


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
