from pathlib import Path

import pytest

from tests.tiny import save_tiny
from tests.training.runs import Log, files_of, finetune_killed, short, write_pairs
from whence.errors import TrainingError
from whence.pipeline import finetune
from whence.store.artifact import part_of
from whence.training.run import Run
from whence.training.trace import read_steps
from whence.training.trainer import RESUME, last_resumable

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("data") / "pairs.jsonl")


@pytest.fixture(scope="module")
def undisturbed(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return finetune(data, str(base), tmp_path_factory.mktemp("undisturbed") / "run", short())


@pytest.fixture(scope="module")
def undisturbed_full(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return finetune(data, str(base), tmp_path_factory.mktemp("undisturbed") / "full", short(full=True))


def test_equal_seeds_give_the_same_bytes_and_another_seed_gives_others(
    base: Path, data: Path, undisturbed: Run, tmp_path: Path
):
    again = finetune(data, str(base), tmp_path / "again", short())
    assert files_of(again) == files_of(undisturbed)
    other = files_of(finetune(data, str(base), tmp_path / "other", short(seed=1)))
    differing = {name for name, content in files_of(undisturbed).items() if other[name] != content}
    assert {"adapter/adapter_model.safetensors", "trace/steps.parquet"} <= differing


def test_a_run_learns_from_every_example_in_every_epoch(undisturbed: Run):
    steps = read_steps(undisturbed.folder / "trace")
    assert [len(row["examples"]) for row in steps] == [5, 5, 2] * 6
    epochs = [[i for row in steps[k : k + 3] for i in row["examples"]] for k in range(0, 18, 3)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 6
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert undisturbed.manifest.facts["steps"] == 18
    assert undisturbed.manifest.facts["final_loss"] == steps[-1]["loss"]


def test_nothing_that_only_resuming_needs_is_left(undisturbed: Run, undisturbed_full: Run):
    for run, weights in ((undisturbed, "adapter"), (undisturbed_full, "model")):
        assert {path.name for path in run.folder.iterdir()} == {"manifest.json", "examples.arrow", "trace", weights}
        assert not [path for path in run.folder.rglob("*") if path.suffix in (".pt", ".pth", ".bin", ".part", ".tmp")]
        assert not part_of(run.folder).exists()


def resumed(log: Log, out: Path, base: Path, data: Path, full: bool = False) -> Run:
    """The run in `out`, brought to its end by the command that began it."""
    assert part_of(out).is_dir()
    assert not out.exists()
    return finetune(data, str(base), out, short(full=full), log)


@pytest.mark.parametrize(
    ("killed_at", "first"), [(2, 1), (4, 1), (7, 5), (11, 9), (18, 17)], ids=lambda step: f"step-{step}"
)
def test_a_killed_run_resumes_at_its_last_checkpoint_and_ends_as_if_undisturbed(
    base: Path, data: Path, undisturbed: Run, tmp_path: Path, killed_at: int, first: int
):
    log = Log()
    finetune_killed(data, base, tmp_path / "run", short(), killed_at)
    run = resumed(log, tmp_path / "run", base, data)
    assert log.steps() == list(range(first, 19))
    assert files_of(run) == files_of(undisturbed)


def test_a_run_may_be_killed_again_and_again_even_while_it_saves(
    base: Path, data: Path, undisturbed: Run, tmp_path: Path
):
    log, out = Log(), tmp_path / "run"
    finetune_killed(data, base, out, short(), 2)
    finetune_killed(data, base, out, short(), 8, saving=True)
    finetune_killed(data, base, out, short(), 10)
    finetune_killed(data, base, out, short(), 12, saving=True)
    run = resumed(log, out, base, data)
    assert log.steps()[0] == 9
    assert files_of(run) == files_of(undisturbed)


def test_a_killed_full_fine_tuning_resumes_too(base: Path, data: Path, undisturbed_full: Run, tmp_path: Path):
    log = Log()
    finetune_killed(data, base, tmp_path / "run", short(full=True), 11)
    run = resumed(log, tmp_path / "run", base, data, full=True)
    assert log.steps() == list(range(9, 19))
    assert files_of(run) == files_of(undisturbed_full)


def test_what_is_rehearsed_is_the_same_after_a_kill(base: Path, data: Path, tmp_path: Path):
    rehearsing = short(epochs=3, rehearsal=2)
    whole = finetune(data, str(base), tmp_path / "whole", rehearsing)
    assert (
        files_of(whole)["adapter/adapter_model.safetensors"]
        != files_of(finetune(data, str(base), tmp_path / "without", short(epochs=3)))[
            "adapter/adapter_model.safetensors"
        ]
    )
    finetune_killed(data, base, tmp_path / "run", rehearsing, 5)
    log = Log()
    assert files_of(finetune(data, str(base), tmp_path / "run", rehearsing, log)) == files_of(whole)
    assert log.steps()[0] > 1


def test_dropout_drops_the_same_after_a_kill(base: Path, data: Path, undisturbed: Run, tmp_path: Path):
    dropping, adapter = short(dropout=0.3), "adapter/adapter_model.safetensors"
    whole = files_of(finetune(data, str(base), tmp_path / "whole", dropping))
    assert files_of(finetune(data, str(base), tmp_path / "again", dropping)) == whole
    assert whole[adapter] != files_of(undisturbed)[adapter]
    finetune_killed(data, base, tmp_path / "run", dropping, 7)
    log = Log()
    assert files_of(finetune(data, str(base), tmp_path / "run", dropping, log)) == whole
    assert log.steps() == list(range(5, 19))


def test_a_killed_run_with_other_settings_starts_over(base: Path, data: Path, tmp_path: Path):
    finetune_killed(data, base, tmp_path / "run", short(), 6)
    log = Log()
    finetune(data, str(base), tmp_path / "run", short(epochs=1), log)
    assert log.steps() == [1, 2, 3]


def test_a_loss_that_overflows_stops_the_run_with_advice(base: Path, data: Path, tmp_path: Path):
    with pytest.raises(TrainingError, match=r"loss became nan at step \d+. Try a smaller --learning-rate"):
        finetune(data, str(base), tmp_path / "run", short(learning_rate=1e30))
    assert not (tmp_path / "run").exists()


def test_progress_counts_the_steps_and_tells_the_loss(base: Path, data: Path, tmp_path: Path):
    log = Log()
    run = finetune(data, str(base), tmp_path / "run", short(epochs=2), log)
    reported = [p for p in log.seen if p.step == "fine-tuning" and p.detail]
    assert [(p.done, p.total, p.unit) for p in reported] == [(k, 6, "steps") for k in range(1, 7)]
    assert [p.detail["epoch"] for p in reported] == pytest.approx([1 / 3, 2 / 3, 1, 4 / 3, 5 / 3, 2])
    assert reported[-1].detail["loss"] == run.manifest.facts["final_loss"]


def test_only_a_checkpoint_that_was_written_whole_is_resumed(tmp_path: Path):
    assert last_resumable(tmp_path / RESUME) is None
    for step, state in ((4, '{"global_step": 4}'), (8, '{"global_st'), (12, None)):
        folder = tmp_path / RESUME / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if state:
            (folder / "trainer_state.json").write_text(state, "utf-8")
    assert last_resumable(tmp_path / RESUME) == str(tmp_path / RESUME / "checkpoint-4")
    assert [path.name for path in (tmp_path / RESUME).iterdir()] == ["checkpoint-4"]
