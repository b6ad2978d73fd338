import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from whence.store.objects import PIECE, Objects

BYTES = os.urandom(2 * PIECE + 17)


@pytest.fixture(params=["folder", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    """A folder, and a place that is none."""
    yield Objects.at(str(tmp_path / "objects") if request.param == "folder" else "memory://bucket/prefix/")
    MemoryFileSystem.store.clear()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(BYTES)
    return path


def test_what_is_put_can_be_read_in_pieces_and_fetched(objects: Objects, source: Path, tmp_path: Path):
    objects.put("a", source)
    assert [len(piece) for piece in objects.pieces("a")] == [PIECE, PIECE, 17]
    assert b"".join(objects.pieces("a")) == BYTES
    with objects.open("a") as file:
        assert file.read(3) == BYTES[:3]
    objects.fetch("a", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == BYTES


def test_an_object_is_there_whole_or_not_at_all(objects: Objects, source: Path, monkeypatch: pytest.MonkeyPatch):
    really = type(objects.system).open

    def full(*args: Any, **settings: Any) -> Any:
        file = really(*args, **settings)
        file.write = lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device"))
        return file

    monkeypatch.setattr(type(objects.system), "open", full)
    with pytest.raises(OSError, match="No space left"):
        objects.put("a", source)
    monkeypatch.undo()
    assert not objects.system.exists(f"{objects.root}/a")
    assert objects.system.find(objects.root) == []


def test_putting_again_replaces(objects: Objects, source: Path):
    objects.put("a", source)
    source.write_bytes(b"new")
    objects.put("a", source)
    assert b"".join(objects.pieces("a")) == b"new"


def test_a_removed_object_is_gone_and_the_others_stay(objects: Objects, source: Path):
    objects.put("a", source)
    objects.put("b", source)
    objects.remove("a")
    objects.remove("a")
    with pytest.raises(FileNotFoundError):
        objects.open("a")
    assert b"".join(objects.pieces("b")) == BYTES


def test_fetching_what_is_not_there_leaves_nothing(objects: Objects, source: Path, tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FileNotFoundError):
        objects.fetch("a", folder / "a")
    assert list(folder.iterdir()) == []


def test_the_name_of_a_target_may_be_as_long_as_names_can_be(objects: Objects, source: Path, tmp_path: Path):
    objects.put("a", source)
    target = tmp_path / ("x" * 249 + ".jsonl")
    objects.fetch("a", target)
    assert target.read_bytes() == BYTES


def test_only_a_folder_of_this_machine_has_a_path(tmp_path: Path):
    assert Objects.at(str(tmp_path)).local("a") == tmp_path / "a"
    assert Objects.at(tmp_path.as_uri()).local("a") == tmp_path / "a"
    assert Objects.at("memory://bucket").local("a") is None
