import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from whence.errors import ArtifactError
from whence.store.artifact import (
    MANIFEST,
    Manifest,
    differences,
    finished,
    hash_file,
    make,
    part_of,
    read_manifest,
    write_json,
)


def wanted(**changes: Any) -> Manifest:
    config = {"method": "fisher", "seed": 0, "layers": ("a", "b"), **changes}
    return Manifest("index", config, {"run": "1234"})


class Work:
    """Writes `rows` and counts its calls; fails while `broken`, after writing `half`."""

    def __init__(self, broken: bool = False) -> None:
        self.calls, self.broken = 0, broken
        self.found: list[str] = []

    def __call__(self, part: Path) -> Mapping[str, Any]:
        self.calls += 1
        self.found = sorted(path.name for path in part.iterdir() if path.name != "begun.json")
        (part / "half").write_text("half")
        if self.broken:
            raise RuntimeError("killed")
        (part / "rows").write_text("all")
        return {"rows": 3}


def test_an_artifact_appears_whole_with_its_manifest(tmp_path: Path):
    folder = tmp_path / "deep" / "index"

    def work(part: Path) -> Mapping[str, Any]:
        assert part == part_of(folder)
        assert not folder.exists()
        return Work()(part)

    made = make(folder, wanted(), work)
    assert sorted(path.name for path in folder.iterdir()) == ["half", MANIFEST, "rows"]
    assert not part_of(folder).exists()
    assert made.facts == {"rows": 3}
    there = read_manifest(folder, "index")
    assert (there.key, there.facts, there.versions) == (made.key, made.facts, made.versions)
    assert {"python", "torch", "numpy"} <= there.versions.keys()


def test_an_equal_key_returns_the_artifact_without_working(tmp_path: Path):
    work = Work()
    for _ in range(3):
        assert make(tmp_path / "index", wanted(), work).facts == {"rows": 3}
    assert work.calls == 1


def test_settings_are_equal_however_they_are_written(tmp_path: Path):
    make(tmp_path / "index", wanted(path=Path("data")), Work())
    work = Work()
    make(
        tmp_path / "index", Manifest("index", dict(reversed(wanted(path="data").config.items())), {"run": "1234"}), work
    )
    make(tmp_path / "index", wanted(path="data", layers=["a", "b"]), work)
    assert work.calls == 0


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (wanted(seed=1), "seed"),
        (wanted(seed=1, method="bm25"), "method, seed"),
        (wanted(new=None), "new"),
        (Manifest("index", wanted().config, {"run": "5678"}), "run"),
        (Manifest("index", wanted().config, {"run": "1234", "base": "x"}), "base"),
    ],
)
def test_an_artifact_of_another_key_is_kept_and_the_difference_named(tmp_path: Path, other: Manifest, named: str):
    make(tmp_path / "index", wanted(), Work())
    work = Work()
    with pytest.raises(ArtifactError, match=rf"another {named}\. Choose another folder"):
        make(tmp_path / "index", other, work)
    assert work.calls == 0
    assert read_manifest(tmp_path / "index", "index").key == wanted().key


def test_a_setting_and_an_input_of_the_same_name_are_told_apart():
    one, other = (Manifest("run", {"data": path}, {"data": "hash"}) for path in ("a", "b"))
    assert differences(one, other) == ["data"]
    assert differences(one, one) == []


def test_every_part_of_the_identity_changes_the_key():
    keys = {
        wanted().key,
        wanted(seed=1).key,
        Manifest("run", wanted().config, wanted().inputs).key,
        Manifest("index", wanted().config, {}).key,
    }
    assert len(keys) == 4
    assert Manifest("index", wanted().config, wanted().inputs, {"facts": 1}, {"python": "2"}).key == wanted().key


def test_a_crash_leaves_the_part_folder_which_equal_settings_resume(tmp_path: Path):
    folder = tmp_path / "index"
    with pytest.raises(RuntimeError, match="killed"):
        make(folder, wanted(), Work(broken=True))
    assert not folder.exists()
    assert (part_of(folder) / "half").exists()
    work = Work()
    make(folder, wanted(), work)
    assert work.found == ["half"]
    assert (folder / "rows").exists()


def test_a_part_folder_of_other_settings_is_emptied(tmp_path: Path):
    folder = tmp_path / "index"
    with pytest.raises(RuntimeError, match="killed"):
        make(folder, wanted(), Work(broken=True))
    work = Work()
    make(folder, wanted(seed=1), work)
    assert work.found == []


def test_a_part_folder_of_unknown_origin_is_emptied(tmp_path: Path):
    part = part_of(tmp_path / "index")
    part.mkdir()
    (part / "rows").write_text("whose?")
    work = Work()
    make(tmp_path / "index", wanted(), work)
    assert work.found == []


def test_a_crash_at_the_rename_costs_no_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder, replace = tmp_path / "index", os.replace

    def fail(source: Path, target: Path) -> None:
        if target == folder:
            raise OSError("no space")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no space"):
            make(folder, wanted(), Work())
    work = Work()
    make(folder, wanted(), work)
    assert "rows" in work.found


def test_an_artifact_of_another_kind_is_refused(tmp_path: Path):
    make(tmp_path / "index", wanted(), Work())
    with pytest.raises(ArtifactError, match="must hold a run but holds an index"):
        read_manifest(tmp_path / "index", "run")
    with pytest.raises(ArtifactError, match="must hold a run"):
        make(tmp_path / "index", Manifest("run", {}, {}), Work())


def test_a_folder_of_something_else_is_never_overwritten(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="exists but holds no index"):
        make(tmp_path, wanted(), Work())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_missing_manifest_says_whether_to_make_or_to_resume(tmp_path: Path):
    with pytest.raises(ArtifactError, match="Create it first"):
        read_manifest(tmp_path / "index", "index")
    part_of(tmp_path / "index").mkdir()
    with pytest.raises(ArtifactError, match="run the same command again"):
        read_manifest(tmp_path / "index", "index")


@pytest.mark.parametrize("text", ["", '{"kind": "index"', '{"kind": "index"}', "[]", "null"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ArtifactError, match="is damaged"):
        read_manifest(tmp_path, "index")


def test_nothing_is_finished_where_nothing_is(tmp_path: Path):
    assert not finished(tmp_path / "index", wanted())


def test_json_is_replaced_whole(tmp_path: Path):
    path = tmp_path / "facts.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="Circular"):
        write_json(path, (loop := {}) or loop.setdefault("loop", loop) or loop)
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path, size: int):
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert hash_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()
