from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from tests.tiny import save_tiny, tiny_llama
from tests.training.runs import ANSWERS, short, write_pairs
from whence.errors import ArtifactError, ModelError
from whence.gradients.likelihood import values_now
from whence.gradients.subject import Compute
from whence.gradients.trajectory import Trajectory
from whence.models.adapter import remove_adapter, trainable_weights
from whence.models.base import load
from whence.pipeline import finetune
from whence.store.artifact import Manifest, part_of, write_json
from whence.training.run import Run, load_base


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("run")
    return finetune(write_pairs(place / "pairs.jsonl"), str(save_tiny(place / "base")), place / "out", short(epochs=2))


@pytest.fixture(scope="module")
def made_full(made: Run) -> Run:
    data, out = made.folder.parent / "pairs.jsonl", made.folder.parent / "full"
    return finetune(data, made.base_model, out, short(epochs=2, full=True))


def test_a_run_is_opened_by_its_folder(made: Run):
    opened = Run.open(str(made.folder))
    assert opened == made
    assert not opened.full
    assert opened.base_folder == Path(opened.base_model)


def test_its_examples_are_the_pairs_in_order_with_their_tokens(made: Run):
    examples = made.examples
    assert [example.answer for example in examples] == list(ANSWERS)
    assert [example.line for example in examples] == list(range(1, 13))
    assert {example.file for example in examples} == {"pairs.jsonl"}
    assert all(examples.tokens(i).answer_length > 0 for i in range(12))


def test_the_trajectory_stands_at_the_end_of_fine_tuning(made: Run):
    path = made.trajectory
    assert [point.step for point in path.checkpoints] == [0, 2, 3, 4, 6]
    assert path.at == 6
    moved = trainable_weights(path.model)
    path.move_to(path.checkpoints[0])
    assert any(not torch.equal(weight, moved[name]) for name, weight in trainable_weights(path.model).items())
    path.move_to(path.last)


def test_the_trajectory_of_full_fine_tuning_ends_in_the_saved_model_and_begins_in_the_base(made_full: Run):
    assert made_full.full
    path = made_full.trajectory
    saved = trainable_weights(load(made_full.folder / "model", dtype=torch.float32))
    end = trainable_weights(path.model)
    assert end.keys() == saved.keys()
    assert all(torch.equal(end[name], saved[name]) for name in saved)
    base = trainable_weights(load(made_full.base_folder, dtype=torch.float32))
    with path.base():
        start = trainable_weights(path.model)
    assert all(torch.equal(start[name], base[name]) for name in base)
    assert any(not torch.equal(start[name], end[name]) for name in base)


def test_runs_take_turns_on_one_base_model_in_memory(made: Run):
    data, out = made.folder.parent / "pairs.jsonl", made.folder.parent / "other"
    other = finetune(data, made.base_model, out, short(epochs=2, seed=1, dropout=0.2))
    items = [made.examples.tokens(i) for i in range(12)]
    base = load_base(made.base_folder, full=False)
    for run in (made, other, made):
        path = run.on(base)
        assert path.at == path.last.step == 6
        assert not path.model.training
        assert torch.equal(values_now(path, items, Compute()), values_now(run.trajectory, items, Compute()))
        assert isinstance(path.model, PeftModel)
        assert remove_adapter(path.model) is base
    with made.trajectory.base(), other.trajectory.base():
        alone = [values_now(run.trajectory, items, Compute()) for run in (made, other)]
    bare = Trajectory(base, made.trajectory.tokenizer, made.trajectory.checkpoints)
    assert all(torch.equal(values, values_now(bare, items, Compute())) for values in alone)


def test_a_full_fine_tuning_is_put_on_no_base_model(made_full: Run):
    with pytest.raises(ModelError, match=r"is a full fine-tuning. Open its trajectory"):
        made_full.on(tiny_llama())


def test_a_folder_without_a_run_says_what_to_do(tmp_path: Path):
    with pytest.raises(ArtifactError, match=r"is not a finished run.* Create it first"):
        Run.open(tmp_path / "nothing")
    part_of(tmp_path / "half").mkdir()
    with pytest.raises(ArtifactError, match="run the same command again to resume"):
        Run.open(tmp_path / "half")
    write_json(tmp_path / "manifest.json", asdict(Manifest("index", {}, {})))
    with pytest.raises(ArtifactError, match="must hold a run but holds an index"):
        Run.open(tmp_path)


def test_a_base_model_that_changed_since_is_refused(made: Run, tmp_path: Path):
    base = save_tiny(tmp_path / "base")
    finetune(made.folder.parent / "pairs.jsonl", str(base), tmp_path / "run", short(epochs=1))
    save_tiny(base, tiny_llama(seed=1))
    with pytest.raises(ArtifactError, match=r"files have changed\. Restore the old files"):
        _ = Run.open(tmp_path / "run").base_folder
