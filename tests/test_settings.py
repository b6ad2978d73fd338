from pathlib import Path

import pytest

from whence import settings


def test_a_chosen_home_holds_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("WHENCE_HOME", str(tmp_path))
    assert (settings.home(), settings.models(), settings.runs()) == (tmp_path, tmp_path / "models", tmp_path / "runs")


def test_a_tilde_in_the_chosen_home_is_the_persons_own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WHENCE_HOME", "~/w")
    assert settings.home() == tmp_path / "w"


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_choice_it_is_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, value: str | None):
    monkeypatch.delenv("WHENCE_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("WHENCE_HOME", value)
    assert settings.home().name == "whence"
    assert settings.home().is_absolute()


def test_reading_the_settings_makes_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("WHENCE_HOME", str(tmp_path / "new"))
    settings.models(), settings.runs()
    assert not (tmp_path / "new").exists()
