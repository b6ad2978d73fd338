"""The stand-in for a training that left no trace, on tiny models that are really trained."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.stats import spearmanr

from tests.null import small_null
from tests.tiny import save_tiny, tiny_gpt2
from tests.training.runs import COLOURS, Log, files_of, run_to_death, short, write_pairs
from whence.auditing.prepare import AuditPlan
from whence.errors import ModelError, TrainingError
from whence.evaluation.evaluate import evaluate
from whence.evaluation.plan import LEAST, EvaluationPlan
from whence.gradients.likelihood import values_at
from whence.gradients.subject import query_tokens
from whence.methods.trackstar import TrackStar
from whence.models.adapter import trainable, trainable_weights, with_lora_like
from whence.models.base import load
from whence.pipeline import Index, attribute, audit, build_index, finetune, import_run, score
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.replay import replay_of
from whence.retraining.retrain import RETRAINED_PROXY, Retrainer, recipe_of
from whence.training import proxy_training
from whence.training.proxy_training import proxy_recipe
from whence.training.recipe import Recipe
from whence.training.run import Run
from whence.types import Attribution, Query, decode

pytestmark = pytest.mark.process

ANSWERS = ("Ant.", "Bee.", "Cow.", "Dog.", "Elk.", "Fox.", "Gnu.", "Hen.", "Ibex.", "Jay.", "Koi.", "Lynx.")
OWN = [Query.of(f"Who lives in the {c} box?", a) for c, a in zip(COLOURS, ANSWERS, strict=True)]
FISHER = {"sketch": 1024, "packed": False}


@pytest.fixture(scope="module", autouse=True)
def few_controls() -> Iterator[None]:
    with small_null():
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("stand-in")
    save_tiny(found / "base")
    write_pairs(found / "pairs.jsonl", len(COLOURS))
    return found


@pytest.fixture(scope="module")
def recorded(place: Path) -> Run:
    return finetune(place / "pairs.jsonl", str(place / "base"), place / "recorded", short())


@pytest.fixture(scope="module")
def other(place: Path, recorded: Run) -> Run:
    """The recorded run's adapter with a stand-in of another seed."""
    return brought(place, recorded, place / "other", stand_in=short(seed=7))


@pytest.fixture(scope="module")
def bare(place: Path, recorded: Run) -> Run:
    """The recorded run's adapter without a stand-in."""
    return brought(place, recorded, place / "bare", stand_in=False)


def brought(place: Path, recorded: Run, out: Path, **more: Any) -> Run:
    return import_run(str(place / "base"), place / "pairs.jsonl", out, recorded.folder / "adapter", **more)


def scores(run: Run, method: str = "fisher", **settings: Any) -> np.ndarray:
    return score(build_index(run, method, settings or FISHER), OWN)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(other[name], value) for name, value in one.items())


def test_the_very_recipe_and_seed_give_the_scores_of_the_recorded_run(place: Path, recorded: Run, tmp_path: Path):
    run = brought(place, recorded, tmp_path / "run", stand_in=short())
    assert [p.step for p in run.trajectory.checkpoints] == [p.step for p in recorded.trajectory.checkpoints]
    assert run.trajectory.steps == recorded.trajectory.steps
    np.testing.assert_array_equal(scores(run), scores(recorded))
    assert build_index(run, "fisher", FISHER).manifest.facts["gain"] == 1
    for method in ("tracin", "grad_dot", "source", "trak"):
        np.testing.assert_array_equal(scores(run, method, sketch=256), scores(recorded, method, sketch=256))


def order(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation over the pairs, mean over the queries."""
    return float(np.mean([spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)]))


def test_another_seed_gives_the_order_better_than_the_finished_adapter_alone(recorded: Run, other: Run, bare: Run):
    assert not same(load_file(other.trajectory.end.weights), load_file(recorded.trajectory.end.weights))
    wanted, found, alone = (scores(run) for run in (recorded, other, bare))
    assert order(wanted, found) > 0.55
    assert order(wanted, found) > order(wanted, alone) + 0.1
    assert np.corrcoef(wanted.ravel(), found.ravel())[0, 1] > 0.95
    assert found.argmax(axis=1).tolist() == list(range(len(OWN)))


def test_the_finished_adapter_is_the_model_that_answers_and_is_measured(recorded: Run, other: Run):
    path = other.trajectory
    path.move_to(path.last)
    end = load_file(recorded.trajectory.last.weights)
    assert same(trainable_weights(path.model), end)
    asked = OWN[3].question
    mine, theirs = (attribute(build_index(run, "fisher", FISHER), asked) for run in (recorded, other))
    assert (theirs.answer, theirs.lift) == (mine.answer, mine.lift)
    np.testing.assert_array_equal(scores(other, "grad_dot", sketch=256), scores(recorded, "grad_dot", sketch=256))


def test_an_answer_says_where_its_trajectory_comes_from(
    place: Path, recorded: Run, other: Run, bare: Run, tmp_path: Path
):
    traced = brought(place, recorded, tmp_path / "traced", trace=recorded.folder)
    found = {}
    for run in (recorded, other, bare, traced):
        answer = attribute(build_index(run, "fisher", FISHER), OWN[0].question, OWN[0].answer)
        found[run.folder.name] = answer.trust
        assert decode(Attribution, answer.to_dict()).trust == answer.trust
    kinds = {name: trust.trajectory for name, trust in found.items()}
    assert kinds == {"recorded": "recorded", "other": "stand-in", "bare": "none", "traced": "recorded"}
    noted = [name for name, trust in found.items() if any("a proxy training" in note for note in trust.notes)]
    assert noted == ["other"]
    text = attribute(build_index(other, "bm25"), OWN[0].question, OWN[0].answer).trust
    assert text.trajectory == "stand-in"
    assert not any("a proxy training" in note for note in text.notes)  # which this method does not look at


def test_nats_are_those_of_the_finished_model_however_much_its_stand_in_learned(place: Path, tmp_path: Path):
    brief = finetune(place / "pairs.jsonl", str(place / "base"), tmp_path / "brief", short(epochs=2))
    run = brought(place, brief, tmp_path / "run", stand_in=short(seed=3))
    index = build_index(run, "fisher", {**FISHER, "damping": 1e-4})
    models = RetrainedModels.of(run)
    path = run.trajectory
    path.move_to(path.last)
    lifts = [attribute(index, q.question, q.answer).lift.total for q in OWN]
    assert sum(lifts) < 0.8 * float(
        (models.own(OWN) - [attribute(index, q.question, q.answer).lift.base for q in OWN]).sum()
    )
    assert index.manifest.facts["gain"] < 0.8
    assert float(np.trace(score(index, OWN))) == pytest.approx(sum(lifts), rel=0.03)


def killed_import(place: Path, adapter: Path, out: Path, step: int) -> None:
    """Import in another process that dies by SIGKILL at a step of its stand-in's training."""
    run_to_death(_import_and_die, place, adapter, out, step)


def _import_and_die(place: Path, adapter: Path, out: Path, step: int) -> None:
    recipe = short(seed=7)
    import_run(str(place / "base"), place / "pairs.jsonl", out, adapter, report=Log(step), stand_in=recipe)


def test_a_killed_stand_in_resumes_at_its_last_checkpoint(place: Path, recorded: Run, other: Run, tmp_path: Path):
    killed_import(place, recorded.folder / "adapter", tmp_path / "run", 11)
    log = Log()
    run = brought(place, recorded, tmp_path / "run", stand_in=short(seed=7), report=log)
    assert log.steps() == list(range(9, 19))
    kept = {name: data for name, data in files_of(other).items() if not name.startswith(("index", "evaluation"))}
    assert files_of(run) == kept
    again = brought(place, recorded, tmp_path / "run", stand_in=short(seed=7), report=(quiet := Log()))
    assert (again.manifest.key, quiet.steps()) == (run.manifest.key, [])


def test_the_recipe_is_the_adapters_own_and_what_the_trainer_left(recorded: Run, tmp_path: Path):
    adapter = tmp_path / "adapter"
    shutil.copytree(recorded.folder / "adapter", adapter)
    settings = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    settings |= {"lora_dropout": 0.1, "lora_alpha": 12}
    (adapter / "adapter_config.json").write_text(json.dumps(settings), "utf-8")
    chosen = proxy_recipe(adapter, False, 12)
    usual = Recipe().for_examples(12)
    assert (chosen.rank, chosen.alpha, chosen.dropout, chosen.rehearsal) == (2, 12, 0.1, 0)
    assert set(chosen.targets) == set(settings["target_modules"])
    assert (chosen.epochs, chosen.batch_size, chosen.learning_rate) == (usual.epochs, 8, usual.learning_rate)
    rates = [{"learning_rate": 1e-4}, {"loss": 2.0}, {"learning_rate": 3e-4}, {"learning_rate": 0.0}]
    state = {"num_train_epochs": 5, "max_steps": 20, "log_history": rates}
    (adapter / "trainer_state.json").write_text(json.dumps(state), "utf-8")
    left = proxy_recipe(adapter, False, 12)
    assert (left.epochs, left.batch_size, left.learning_rate) == (5, 3, 3e-4)
    said = proxy_recipe(adapter, False, 12, Recipe(epochs=2, rank=64, rehearsal=2))
    assert (said.epochs, said.batch_size, said.learning_rate, said.rank, said.rehearsal) == (2, 3, 3e-4, 2, 2)


def test_a_fresh_adapter_has_the_form_of_another_to_the_layer(place: Path, recorded: Run, tmp_path: Path):
    shutil.copytree(recorded.folder / "adapter", tmp_path / "adapter")
    path = tmp_path / "adapter" / "adapter_config.json"
    settings = json.loads(path.read_text("utf-8"))
    settings |= {"rank_pattern": {"0.mlp.down_proj": 5}, "use_rslora": True, "init_lora_weights": "pissa"}
    path.write_text(json.dumps(settings), "utf-8")
    made = with_lora_like(load(place / "base", dtype=torch.float32), tmp_path / "adapter", seed=4)
    shapes = {name: tuple(p.shape) for name, p in trainable(made).items() if "down_proj.lora_A" in name}
    assert [shape[0] for _, shape in sorted(shapes.items())] == [5, 2]
    scaling = next(m.scaling["default"] for n, m in made.named_modules() if n.endswith("layers.1.mlp.down_proj"))
    assert scaling == pytest.approx(32 / 2**0.5)
    assert all(not p.any() for name, p in trainable(made).items() if "lora_B" in name)  # so that it starts at the base


def test_a_point_of_the_stand_in_never_lends_its_moments_to_the_adapter(recorded: Run, other: Run):
    path = other.trajectory
    assert all(path.metric(point) is not None for point in path.checkpoints)
    assert path.metric(path.last) is None
    assert any("plain gradients" in note for note in TrackStar().notes(Index.open(other, "fisher").subject))
    assert path.last.step not in [point.step for point in path.checkpoints]
    assert recorded.trajectory.metric(recorded.trajectory.last) is not None


def test_retrainings_take_the_stand_ins_recipe_and_are_compared_with_it(other: Run):
    assert recipe_of(other) == replace(recipe_of(other), seed=7, epochs=6, rank=2)
    again = Retrainer(other).weights(range(12), 7)
    assert same(again, load_file(other.trajectory.end.weights))
    models = RetrainedModels.of(other)
    models.subject.trajectory.move_to(models.subject.trajectory.last)
    assert same(trainable_weights(models.subject.trajectory.model), again)
    assert other.trajectory.finished is not None  # the run's own model is what it was
    replay, path = replay_of(other)
    assert same(trainable_weights(path.model), load_file(path.checkpoints[0].weights))
    assert len(replay.steps) == 18


def test_a_recipe_is_no_use_where_the_path_is_known(place: Path, recorded: Run, tmp_path: Path):
    with pytest.raises(ModelError, match="for a model without its path"):
        brought(place, recorded, tmp_path / "run", stand_in=short(), trace=recorded.folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("whole")
    save_tiny(place / "base", tiny_gpt2())
    write_pairs(place / "pairs.jsonl")
    return finetune(place / "pairs.jsonl", str(place / "base"), place / "run", short(full=True, learning_rate=1e-3))


def test_a_whole_model_has_a_whole_models_stand_in(whole: Run, tmp_path: Path):
    place = whole.folder.parent
    recipe = short(learning_rate=1e-3)
    run = import_run(
        str(place / "base"), place / "pairs.jsonl", tmp_path / "run", whole.folder / "model", stand_in=recipe
    )
    assert run.full
    assert [p.step for p in run.trajectory.checkpoints] == [p.step for p in whole.trajectory.checkpoints]
    np.testing.assert_array_equal(scores(run), scores(whole))
    mine, theirs = (attribute(Index.open(r, "fisher"), OWN[0].question, OWN[0].answer).lift for r in (whole, run))
    assert mine == theirs
    assert RetrainedModels.of(run).subject.trajectory is not run.trajectory


def test_a_whole_models_stand_in_without_room_is_refused(whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(proxy_training, "free_memory", lambda: 1000)
    place = whole.folder.parent
    with pytest.raises(TrainingError, match=r"GB of memory \(found 0.0 GB free\).*--no-stand-in"):
        import_run(str(place / "base"), place / "pairs.jsonl", tmp_path / "run", whole.folder / "model")


def test_an_evaluation_and_an_audit_say_whose_retrainings_they_saw(other: Run, tmp_path: Path):
    index = build_index(other, "fisher", FISHER)
    plan = EvaluationPlan(retrainings=LEAST, methods=("fisher",), each=2)
    found = evaluate(other, plan)
    assert found.notes[0] == RETRAINED_PROXY
    trust = attribute(index, OWN[0].question, OWN[0].answer).trust
    assert (trust.provisional, trust.trajectory) == (False, "stand-in")
    dossier = audit(index, OWN[0].question, OWN[0].answer, AuditPlan(1, 2, (), force=True), tmp_path / "audit")
    assert dossier.notes[0] == RETRAINED_PROXY
    assert RETRAINED_PROXY in (tmp_path / "audit" / "report.md").read_text("utf-8")
    path = other.trajectory
    (asked,) = query_tokens(index.subject, OWN[:1])
    (own,) = values_at(path, path.end, [asked], index.subject.compute).tolist()
    assert dossier.whole.values[0] == pytest.approx(own, abs=1e-4)  # the stand-in's, not the finished model's
    assert dossier.effects[0].fall.each[0] == pytest.approx(own - dossier.effects[0].outcome.values[0], abs=1e-4)
