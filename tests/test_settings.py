from collections.abc import Callable
from pathlib import Path

import pytest

from whence import settings
from whence.errors import WhenceError


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


def test_the_service_keeps_its_own_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("WHENCE_HOME", str(tmp_path))
    for name in ("WHENCE_DATABASE_URL", "WHENCE_OBJECTS_URL"):
        monkeypatch.delenv(name, raising=False)
    assert settings.database_url() == f"sqlite:///{tmp_path}/whence.db"
    assert settings.objects_url() == f"{tmp_path}/objects"
    assert settings.jobs() == tmp_path / "jobs"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("sqlite:////tmp/w.db", "sqlite:////tmp/w.db"),
    ],
)
def test_the_database_as_it_is_given(monkeypatch: pytest.MonkeyPatch, given: str, expected: str):
    monkeypatch.setenv("WHENCE_DATABASE_URL", given)
    assert settings.database_url() == expected


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u:se:cr@et@h/d", "postgresql://u:***@h/d"),
        ("postgres://u:secret@h/d?sslmode=require", "postgresql://u:***@h/d?sslmode=require"),
        ("postgresql:///d?user=u&password=secret&host=/run", "postgresql:///d?user=u&password=***&host=/run"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("sqlite:////data/a:b@c/w.db", "sqlite:////data/a:b@c/w.db"),
    ],
)
def test_a_database_is_shown_without_its_password(monkeypatch: pytest.MonkeyPatch, given: str, shown: str):
    monkeypatch.setenv("WHENCE_DATABASE_URL", given)
    assert settings.shown_database() == shown


def test_files_lie_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHENCE_OBJECTS_URL", "s3://bucket/prefix")
    assert settings.objects_url() == "s3://bucket/prefix"


def test_base_models_are_named_after_their_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("WHENCE_BASE_MODELS", raising=False)
    assert settings.base_models() == {}
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WHENCE_BASE_MODELS", f"/models/one:~/two/:{tmp_path}/three")
    assert settings.base_models() == {"one": Path("/models/one"), "two": tmp_path / "two", "three": tmp_path / "three"}


@pytest.mark.parametrize(("value", "allowed"), [(None, False), ("", False), ("0", False), ("1", True), ("true", True)])
def test_models_of_a_hub_have_to_be_allowed(monkeypatch: pytest.MonkeyPatch, value: str | None, allowed: bool):
    monkeypatch.delenv("WHENCE_HUB_MODELS", raising=False)
    if value is not None:
        monkeypatch.setenv("WHENCE_HUB_MODELS", value)
    assert settings.hub_models() is allowed


NUMBERS = {
    "WHENCE_MAX_UPLOAD_MB": (settings.largest_upload, 1 << 30, 2.5 * (1 << 20)),
    "WHENCE_ENGINE_MEMORY_MB": (settings.engine_memory, None, 2.5 * (1 << 20)),
    "WHENCE_ENGINE_QUEUE": (settings.engine_queue, 16, 3),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_limits_have_a_usual_value_and_a_chosen_one(monkeypatch: pytest.MonkeyPatch, name: str):
    read, usual, chosen = NUMBERS[name]
    monkeypatch.delenv(name, raising=False)
    assert read() == usual
    monkeypatch.setenv(name, "2.5")
    assert read() == chosen


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "inf"])
def test_limits_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(WhenceError, match=f"{name} must be a number greater than 0 .found '{value}'"):
        NUMBERS[name][0]()


@pytest.mark.parametrize(
    ("name", "read", "usual"),
    [
        ("WHENCE_GENERATION_URL", settings.generation_url, None),
        ("WHENCE_GENERATION_KEY", settings.generation_key, None),
        ("WHENCE_BASE_URL", settings.base_url, "http://127.0.0.1:8321"),
        ("WHENCE_API_KEY", settings.api_key, None),
    ],
)
def test_text_that_is_empty_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch, name: str, read: Callable[[], str | None], usual: str | None
):
    monkeypatch.delenv(name, raising=False)
    assert read() == usual
    monkeypatch.setenv(name, "")
    assert read() == usual
    monkeypatch.setenv(name, "given")
    assert read() == "given"


def test_an_engine_without_a_secret_does_not_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WHENCE_ENGINE_SECRET", "s")
    assert settings.engine_secret() == "s"
    monkeypatch.delenv("WHENCE_ENGINE_SECRET")
    with pytest.raises(KeyError):
        settings.engine_secret()
