import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from tests.training.runs import files_of, short, write_pairs
from whence import child_process
from whence.pipeline import build_index, finetune
from whence.training.run import Run
from whence.types import Progress
from whence.worker.messages import StageEvent, StageRequest
from whence.worker.stage_process import ThrottledReport, train

pytestmark = pytest.mark.process


class Child:
    """A stage process without a worker."""

    def __init__(self) -> None:
        self.process = child_process.spawn(
            "whence.worker.stage_process", environment={"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE
        )

    def send(self, request: StageRequest) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request.to_dict()).encode() + b"\n")
        self.process.stdin.flush()

    def events(self) -> list[StageEvent]:
        """All events of the stage that was sent."""
        assert self.process.stdout
        events = [StageEvent(progress={})]
        while events[-1].progress is not None:
            events.append(StageEvent(**json.loads(self.process.stdout.readline())))
        return events[1:]


@pytest.fixture
def child() -> Iterator[Child]:
    started = Child()
    yield started
    child_process.end(started.process, 5)
    assert started.process.stdout
    started.process.stdout.close()


def test_one_process_makes_what_the_library_makes_stage_by_stage(child: Child, base: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 5, "rank": 2, "checkpoints": 2, "rehearsal": 0}
    order = StageRequest("train", str(tmp_path / "run"), (str(pairs),), str(base), settings)
    child.send(order)
    *progress, last = child.events()
    assert all(event.progress and event.progress["step"] == "fine-tuning" for event in progress)
    assert (progress[-1].progress or {})["done"] == 6
    assert last.facts
    assert last.facts["examples"] == 12
    child.send(StageRequest("index", order.run))
    *_, built = child.events()
    expected = finetune(pairs, str(base), tmp_path / "expected", short(**settings, learning_rate=None))
    assert built.facts == dict(build_index(expected).manifest.facts)
    assert files_of(Run.open(tmp_path / "run")).keys() == files_of(expected).keys()
    assert last.facts["final_loss"] == pytest.approx(expected.manifest.facts["final_loss"], rel=1e-4)
    assert child.process.poll() is None


def test_a_stage_that_fails_leaves_the_process_to_the_next_request(child: Child, tmp_path: Path):
    for name in ("one", "two"):
        child.send(StageRequest("index", str(tmp_path / name)))
        (event,) = child.events()
        assert event.kind == "user"
        assert name in str(event.failure)


def test_an_earlier_run_is_copied_with_its_index_if_it_is_the_same(base: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 5, "rank": 2, "checkpoints": 2, "rehearsal": 0}
    earlier = finetune(pairs, str(base), tmp_path / "earlier", short(**settings))
    (earlier.folder / "index").mkdir()
    (earlier.folder / "index" / "kept").write_text("as it is")
    steps: list[str] = []
    for rank, trained in ((2, False), (3, True)):
        out = tmp_path / f"run-{rank}"
        recipe = {"learning_rate": 1e-2, **settings, "rank": rank}
        train(
            StageRequest("train", str(out), (str(pairs),), str(base), recipe, earlier=str(earlier.folder)),
            lambda progress: steps.append(progress.step),
        )
        assert (out / "index" / "kept").exists() is not trained
        assert ("fine-tuning" in steps) is trained
        assert (files_of(Run.open(out)) == files_of(earlier)) is not trained


def test_two_processes_of_one_run_take_turns(child: Child, base: Path, tmp_path: Path):
    with FileLock(tmp_path / "run.lock"):
        child.send(StageRequest("train", str(tmp_path / "run"), (str(tmp_path / "missing.jsonl"),), str(base), {}))
        with pytest.raises(subprocess.TimeoutExpired):
            child.process.wait(2)
    (event,) = child.events()
    assert event.kind == "user"
    assert "missing.jsonl" in str(event.failure)


PARENT = """
import sys, time
from whence import child_process
child = child_process.spawn("whence.worker.stage_process")
child.stdin.write(sys.argv[1].encode() + b"\\n")
child.stdin.flush()
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_stage_ends_with_the_worker_that_started_it(tmp_path: Path):
    request = json.dumps(StageRequest("index", str(tmp_path / "run")).to_dict())
    with FileLock(tmp_path / "run.lock"):  # it would wait for ever
        with subprocess.Popen([sys.executable, "-c", PARENT, request], stdout=subprocess.PIPE) as parent:
            assert parent.stdout
            child = psutil.Process(int(parent.stdout.readline()))
            parent.kill()
        child.wait(20)


def test_progress_is_told_at_its_beginning_now_and_then_and_at_its_end(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    sent: list[StageEvent] = []
    report = ThrottledReport(sent.append)
    for done in range(101):
        report(Progress("null", done, 100, "queries"))
        now += 0.125
    told = [line.progress for line in sent if line.progress]
    assert [line["done"] for line in told] == [*range(0, 101, 4)]
    assert told[0]["left"] is None
    assert [line["left"] for line in told[1:]] == pytest.approx([0.125 * (100 - line["done"]) for line in told[1:]])


def test_the_seconds_left_count_from_where_a_run_went_on(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    sent: list[StageEvent] = []
    report = ThrottledReport(sent.append)
    report(Progress("fine-tuning", 60, 100, "steps"))
    now = 110.0
    report(Progress("fine-tuning", 70, 100, "steps"))
    assert (sent[-1].progress or {})["left"] == pytest.approx(30.0)
