import json
import logging
import time
from pathlib import Path

import pytest

from whence import child_process
from whence.platform import supervisor
from whence.platform.supervisor import LONGEST_PAUSE, SETTLED, Member


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two programs that `python -m` finds: one that ends at once, and one that stays."""
    (tmp_path / "short.py").write_text("raise SystemExit(3)")
    (tmp_path / "lasting.py").write_text("import time; time.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def begin_and_die(member: Member, now: float, lived: float) -> float:
    """The pause after which a process that lived so long is started again."""
    member.tend(now)
    assert member.process is not None
    member.process.kill()
    member.process.wait()
    member.tend(now + lived)
    return member.due - (now + lived)


def test_a_process_is_started_and_left_alone_while_it_runs():
    member = Member("lasting")
    member.tend(0.0)
    process = member.process
    assert process is not None
    for moment in (0.2, 100.0):
        member.tend(moment)
        assert member.process is process
    child_process.end(process, 5)


def test_one_that_dies_quickly_is_started_again_later_each_time():
    member, now, pauses = Member("lasting"), 0.0, []
    for _ in range(7):
        pauses.append(begin_and_die(member, now, 1.0))
        assert member.process is None  # not before the pause is over
        now = member.due
    assert pauses == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0, LONGEST_PAUSE, LONGEST_PAUSE])


def test_one_that_ran_well_is_started_again_at_once():
    member = Member("lasting")
    assert begin_and_die(member, 0.0, 1.0) == 0.5
    assert begin_and_die(member, 10.0, SETTLED + 1) == 0.0
    assert member.process is not None
    child_process.end(member.process, 5)


def test_a_death_is_logged_with_the_code(caplog: pytest.LogCaptureFixture):
    member = Member("short")
    member.tend(0.0)
    assert member.process is not None
    member.process.wait(10)
    with caplog.at_level(logging.WARNING, "whence.supervisor"):
        member.tend(1.0)
    (record,) = caplog.records
    assert record.getMessage() == "process ended; it is started again"
    assert vars(record)["code"] == 3


def test_logs_are_lines_of_json(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    level = root.level
    supervisor.start_logging("supervisor")
    try:
        logging.getLogger("whence.supervisor").warning("ended", extra={"code": 3})
        logging.getLogger("httpx").info("a request with what was asked")
    finally:
        root.setLevel(level)
    (line,) = capfd.readouterr().err.splitlines()
    told = json.loads(line)
    assert {name: told[name] for name in ("level", "message", "process", "code")} == {
        "level": "WARNING",
        "message": "ended",
        "process": "supervisor",
        "code": 3,
    }
    assert time.strptime(told["time"][:19], "%Y-%m-%d %H:%M:%S")
