import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from tests.training.runs import files_of, short, write_pairs
from whence import lifeline
from whence.pipeline import finetune
from whence.training.run import Run
from whence.types import Progress
from whence.worker.messages import StageEvent, StageRequest
from whence.worker.stage_process import ThrottledReport


def start(folder: Path, order: StageRequest) -> subprocess.Popen[bytes]:
    spec = folder / "order.json"
    spec.write_text(json.dumps(order.to_dict()))
    return lifeline.spawn("whence.worker.stage_process", [str(spec)], {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, list[StageEvent]]:
    """The exit code of a stage's process and all that it said."""
    assert process.stdout
    with process.stdout as lines:
        said = [StageEvent(**json.loads(line)) for line in lines]
    code = process.wait(30)
    lifeline.end(process, 5)
    return code, said


def test_a_stage_makes_what_the_library_makes_and_tells_its_progress(base: Path, tmp_path: Path):
    pairs = write_pairs(tmp_path / "pairs.jsonl")
    settings: dict[str, Any] = {"epochs": 2, "batch_size": 5, "rank": 2, "checkpoints": 2, "rehearsal": 0}
    order = StageRequest("train", str(tmp_path / "run"), (str(pairs),), str(base), settings)
    code, said = finish(start(tmp_path, order))
    assert code == 0
    *progress, last = said
    assert all(line.progress and line.progress["step"] == "fine-tuning" for line in progress)
    assert (progress[-1].progress or {})["done"] == 6
    assert last.facts
    assert last.facts["examples"] == 12
    expected = finetune(pairs, str(base), tmp_path / "expected", short(**settings, learning_rate=None))
    assert files_of(Run.open(tmp_path / "run")).keys() == files_of(expected).keys()
    assert last.facts["final_loss"] == pytest.approx(expected.manifest.facts["final_loss"], rel=1e-4)


def test_two_processes_of_one_run_take_turns(base: Path, tmp_path: Path):
    order = StageRequest("train", str(tmp_path / "run"), (str(tmp_path / "missing.jsonl"),), str(base), {})
    with FileLock(tmp_path / "run.lock"):
        process = start(tmp_path, order)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
    code, (said,) = finish(process)
    assert code == 1
    assert said.kind == "user"
    assert "missing.jsonl" in str(said.failure)


PARENT = """
import sys, time
from whence import lifeline
print(lifeline.spawn("whence.worker.stage_process", sys.argv[1:]).pid, flush=True)
time.sleep(600)
"""


def test_a_stage_ends_with_the_worker_that_started_it(tmp_path: Path):
    order = tmp_path / "order.json"
    order.write_text(json.dumps(StageRequest("index", str(tmp_path / "run")).to_dict()))
    with FileLock(tmp_path / "run.lock"):  # it would wait for ever
        with subprocess.Popen([sys.executable, "-c", PARENT, str(order)], stdout=subprocess.PIPE) as parent:
            assert parent.stdout
            child = psutil.Process(int(parent.stdout.readline()))
            parent.kill()
        child.wait(20)


def test_progress_is_told_at_its_beginning_now_and_then_and_at_its_end(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    said: list[StageEvent] = []
    telling = ThrottledReport(said.append)
    for done in range(101):
        telling(Progress("null", done, 100, "queries"))
        now += 0.125
    told = [line.progress for line in said if line.progress]
    assert [line["done"] for line in told] == [*range(0, 101, 4)]
    assert told[0]["left"] is None
    assert [line["left"] for line in told[1:]] == pytest.approx([0.125 * (100 - line["done"]) for line in told[1:]])


def test_the_seconds_left_count_from_where_a_run_went_on(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    said: list[StageEvent] = []
    telling = ThrottledReport(said.append)
    telling(Progress("fine-tuning", 60, 100, "steps"))
    now = 110.0
    telling(Progress("fine-tuning", 70, 100, "steps"))
    assert (said[-1].progress or {})["left"] == pytest.approx(30.0)
