import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from whence import child_process

CHILD = """
import os, sys, time
from pathlib import Path
from whence import child_process
child_process.exit_with_parent()
Path(sys.argv[1]).write_text(f"{os.getpid()} {sys.stdin.read()!r}")
time.sleep(60)
"""
PARENT = """
import sys, time
from whence import child_process
child = child_process.spawn("child", [sys.argv[1]])
time.sleep(60)
"""
DEAF = """
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path(sys.argv[1]).touch()
time.sleep(60)
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with programs that `python -m` finds."""
    for name, text in (("child", CHILD), ("parent", PARENT), ("deaf", DEAF)):
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 30
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return path.read_text()


def is_gone(pid: int, seconds: float = 5) -> bool:
    try:
        psutil.Process(pid).wait(seconds)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.fixture
def parent(modules: Path) -> Iterator["tuple[subprocess.Popen[bytes], int]"]:
    """A process that has spawned a child, and the child's id."""
    said = modules / "said"
    process = subprocess.Popen([sys.executable, "-m", "parent", str(said)])
    yield process, int(wait_for(said).split()[0])
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_parent(parent: "tuple[subprocess.Popen[bytes], int]", number: signal.Signals):
    process, child = parent
    assert psutil.pid_exists(child)
    process.send_signal(number)
    process.wait()
    assert is_gone(child)


def test_a_child_lives_as_long_as_its_parent_wants_and_reads_nothing(modules: Path):
    said = modules / "said"
    process = child_process.spawn("child", [str(said)])
    assert wait_for(said) == f"{process.pid} ''"
    assert process.poll() is None
    assert os.getpgid(process.pid) == process.pid
    child_process.end(process, 5)
    assert process.returncode == -signal.SIGTERM


def test_a_closed_pipe_is_told_from_other_ends(modules: Path):
    process = child_process.spawn("child", [str(modules / "said")])
    wait_for(modules / "said")
    assert process.stdin
    process.stdin.close()
    assert process.wait(5) == child_process.ORPHANED


def test_a_process_that_nobody_spawned_is_left_as_it_is(modules: Path):
    said = modules / "said"
    process = subprocess.Popen([sys.executable, "-m", "child", str(said)], stdin=subprocess.DEVNULL)
    wait_for(said)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.kill()
    process.wait()


def test_a_child_that_does_not_listen_is_ended_after_a_while(modules: Path):
    process = child_process.spawn("deaf", [str(modules / "said")])
    while not (modules / "said").exists():
        time.sleep(0.02)
    began = time.monotonic()
    child_process.end(process, 0.3)
    assert process.returncode == -signal.SIGKILL
    assert 0.3 <= time.monotonic() - began < 5


def test_ending_what_has_ended_does_nothing(modules: Path):
    process = child_process.spawn("child", [str(modules / "said")])
    process.kill()
    process.wait()
    child_process.end(process, 5)
    assert process.returncode == -signal.SIGKILL


def test_a_child_gets_its_words_and_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "echo.py").write_text("import os, sys; print(sys.argv[1:], os.environ['SECRET'], os.getcwd())")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = child_process.spawn("echo", ["a b", "c"], {"SECRET": "s"}, stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout:
        assert process.stdout.read() == b"['a b', 'c'] s /\n"
    child_process.end(process, 5)
