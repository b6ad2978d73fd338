import multiprocessing
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from tests.training.runs import Log
from whence.errors import TrainingError
from whence.retraining import retrainings as retraining
from whence.retraining.retrain import Retrainer
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset, random_subsets
from whence.training.run import Run
from whence.types import Progress, Report

FORK = multiprocessing.get_context("fork")
"""Processes that need not import anything again; nothing is computed in them."""
forking = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def copy(learned: Run, tmp_path: Path) -> Run:
    """The run without its retrainings."""
    folder = tmp_path / "run"
    shutil.copytree(learned.folder, folder, ignore=shutil.ignore_patterns("evaluation"))
    return Run.open(folder)


def test_random_subsets_are_equal_for_equal_seeds_and_more_can_follow():
    parts = random_subsets(20, 6, 1, 9)
    assert random_subsets(20, 3, 1, 9) == parts[:3]
    assert random_subsets(20, 6, 2, 9) != parts
    assert all(part.seed == 9 and len(set(part.kept)) == 10 and list(part.kept) == sorted(part.kept) for part in parts)
    assert {len(part.kept) for part in random_subsets(20, 6, 1, 9, 0.25)} == {5}
    assert parts[0].without(20) == [row for row in range(20) if row not in parts[0].kept]


def test_every_row_is_kept_by_about_half_of_the_parts():
    counts = Counter(row for part in random_subsets(12, 400, 1, 0) for row in part.kept)
    assert all(150 < counts[row] < 250 for row in range(12))


def test_a_retraining_lies_in_the_bank_with_its_weights_and_its_time(copy: Run):
    retrainings, (part,) = Retrainings(copy), random_subsets(12, 1, 1, 3)
    whole = Subset(tuple(range(12)), 3)
    assert retrainings.missing([part, whole, part]) == [part, whole]
    assert retrainings.seconds([part]) == {}
    retrainings.fill([part, whole])
    assert retrainings.missing([part, whole]) == []
    assert retrainings.seconds([part])[part] > 0
    found, wanted = retrainings.weights(part), Retrainer(copy).weights(part.kept, part.seed)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    own = load_file(copy.trajectory.last.weights)
    assert all(torch.equal(weight, own[name]) for name, weight in retrainings.weights(whole).items())
    assert not list(retrainings.folder(part).parent.glob("*.lock"))


def test_a_bank_that_was_stopped_goes_on_with_the_next(copy: Run, monkeypatch: pytest.MonkeyPatch):
    retrainings, parts = Retrainings(copy), random_subsets(12, 3, 1, 3)

    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrainings.fill(parts, stop)
    assert retrainings.missing(parts) == parts[1:]
    made: list[tuple[int, ...]] = []

    def weights(self: Retrainer, kept: tuple[int, ...], seed: int, report: Report) -> dict[str, torch.Tensor]:
        made.append(kept)
        return {"weight": torch.zeros(1)}

    monkeypatch.setattr(Retrainer, "weights", weights)
    log = Log()
    retrainings.fill([*parts, parts[0]], log)
    assert made == [part.kept for part in parts[1:]]
    assert [(p.done, p.total) for p in log.seen] == [(1, 3), (2, 3), (3, 3)]


def test_workers_make_the_same_weights(copy: Run, learned: Run, parts: list[Subset]):
    retrainings, log = Retrainings(copy), Log()
    retrainings.fill(parts[:2], log, workers=2)
    assert [p.done for p in log.seen] == [0, 1, 2]
    for part in parts[:2]:
        one, other = retrainings.weights(part), Retrainings(learned).weights(part)
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_another_process_is_at_is_left_to_it(copy: Run, monkeypatch: pytest.MonkeyPatch):
    retrainings, parts, made = Retrainings(copy), random_subsets(12, 2, 1, 3), list[Any]()

    def weights(self: Retrainer, kept: tuple[int, ...], seed: int, report: Report) -> dict[str, torch.Tensor]:
        made.append(kept)
        lock.release()  # the other one stops without a result
        return {"weight": torch.zeros(1)}

    monkeypatch.setattr(Retrainer, "weights", weights)
    retrainings.folder(parts[0]).parent.mkdir(parents=True)
    lock = FileLock(f"{retrainings.folder(parts[0])}.lock")
    lock.acquire()
    retrainings.fill(parts)
    assert made == [parts[1].kept, parts[0].kept]
    assert retrainings.missing(parts) == []


@forking
def test_a_process_that_dies_is_told_of(copy: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retraining, "get_context", lambda _: FORK)
    (copy.folder / "manifest.json").rename(copy.folder / "gone.json")  # no worker can open the run
    with pytest.raises(TrainingError, match=r"one of 2 died.*what is finished is kept"):
        Retrainings(copy).fill(random_subsets(12, 2, 1, 3), workers=2)


@forking
def test_what_stops_a_bank_stops_its_workers_at_once(copy: Run, monkeypatch: pytest.MonkeyPatch):
    first, *others = random_subsets(12, 6, 1, 3)

    def weights(self: Retrainer, kept: tuple[int, ...], seed: int, report: Report) -> dict[str, torch.Tensor]:
        while kept != first.kept:
            report(Progress("fine-tuning", 0, 1, "steps"))
            time.sleep(0.01)
        return {"weight": torch.zeros(1)}

    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(retraining, "get_context", lambda _: FORK)
    monkeypatch.setattr(Retrainer, "weights", weights)
    with pytest.raises(KeyboardInterrupt):
        Retrainings(copy).fill([first, *others], stop, workers=2)
    assert multiprocessing.active_children() == []
    assert Retrainings(copy).missing([first, *others]) == others


@forking
def test_a_worker_ends_with_its_parent():
    reader, writer = FORK.Pipe(duplex=False)
    parent = FORK.Process(target=_parent, args=(writer,))
    parent.start()
    pid = reader.recv()
    parent.kill()
    parent.join()
    deadline = time.monotonic() + 60
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(pid)


def running(pid: int) -> bool:
    """Whether a process is there, and not only its exit code."""
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().split()[2] != "Z"


def _parent(writer: Any) -> None:
    child = FORK.Process(target=retraining._end_with_parent)
    child.start()
    writer.send(child.pid)
    time.sleep(60)
