import sys
from types import SimpleNamespace
from typing import Any

import pytest

from whence.data import hub
from whence.data.validate import check, examples
from whence.errors import DataError

ROWS = [{"question": "q", "answer": "a"}, {"question": "r", "answer": "b"}]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A hub with one data set; returns what is asked of it."""
    asked: list[dict[str, Any]] = []

    def load_dataset(name: str, **options: Any) -> Any:
        asked.append({"name": name, **options})
        if options["split"] == "broken":
            raise ConnectionError("no route to the hub")
        return iter(ROWS if options["split"] == "train" else [])

    api = SimpleNamespace(dataset_info=lambda name: SimpleNamespace(sha="c0ffee"))
    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(HfApi=lambda: api))
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return asked


def test_a_hub_split_is_streamed_at_one_revision(fake: list[dict[str, Any]]) -> None:
    found = list(examples("hub:owner/name"))
    assert [(e.file, e.line) for e in found] == [("hub:owner/name:train", 1), ("hub:owner/name:train", 2)]
    assert fake == [{"name": "owner/name", "split": "train", "revision": "c0ffee", "streaming": True}]


@pytest.mark.parametrize("source", ["hub:name", "hub:/name", "hub:a/b/c", "hub:"])
def test_a_malformed_id_is_refused(source: str) -> None:
    with pytest.raises(DataError, match="an owner and a name"):
        hub.open_set(source)


def test_a_hub_that_cannot_be_reached_is_a_data_error(fake: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError, match=r"reachable.*no route to the hub.*give a file"):
        list(examples("hub:owner/name:broken"))
    assert check("hub:owner/name:broken").fault_count == 1


def test_an_empty_split_is_refused(fake: list[dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="at least one row"):
        list(examples("hub:owner/name:empty"))


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DataError, match=r"pip install 'whence\[local\]'"):
        hub.open_set("hub:owner/name")
