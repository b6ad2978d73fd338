import json
import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny import save_tiny
from tests.training.runs import ANSWERS, COLOURS, Log, plain_trainer, run_to_death, short, write_pairs
from whence.errors import ArtifactError, DataError, MethodError, MissingError, ModelError
from whence.gradients.subject import Compute, Subject
from whence.levels import measure
from whence.levels.measure import CONTROLS
from whence.models.base import load
from whence.models.generate import Generated
from whence.pipeline import Index, attribute, attribute_all, build_index, finetune, import_run, score, token_influence
from whence.store.artifact import part_of
from whence.training.run import Run, load_base
from whence.training.trace import TraceCallback
from whence.types import Message, Progress, Query

pytestmark = pytest.mark.process

LEARNED: dict[str, Any] = {"epochs": 24, "batch_size": 4, "learning_rate": 2e-2, "rank": 8}
QUERIES = [Query.of(f"Who lives in the {colour} box?", answer) for colour, answer in zip(COLOURS, ANSWERS, strict=True)]


def unrelated(subject: Subject, conversations: Sequence[Sequence[Message]], *_: Any, **__: Any) -> list[Generated]:
    """Control answers in letters of which no pair has any: the tiny model itself answers everything with an animal."""
    return [Generated(f"{i * 7919 % 1000}!", ended=True) for i in range(len(conversations))]


def built(run: Run, *args: Any, **settings: Any) -> Index:
    """An index whose controls were answered with unrelated text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "own_answers", unrelated)
        return build_index(run, *args, **settings)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline")
    save_tiny(folder / "base")
    write_pairs(folder / "pairs.jsonl")
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> Run:
    return finetune(place / "pairs.jsonl", str(place / "base"), place / "run", short(**LEARNED))


@pytest.fixture(scope="module")
def index(run: Run) -> Index:
    return built(run)


def forbidden(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("a model was loaded")


def test_a_learned_pair_is_found_first_by_its_own_text(index: Index):
    scores = score(index, QUERIES)
    assert scores.shape == (12, 12)
    assert scores.dtype == np.float32
    assert scores.argmax(axis=1).tolist() == list(range(12))
    found = [attribute(index, query.question, query.answer) for query in QUERIES]
    assert all(result.lift.enough for result in found)
    first = [result.results[0] for result in found if result.results]
    assert len(first) >= 10
    assert all(influence.messages[-1].content == result.answer for influence, result in zip(first, found, strict=False))


def test_results_are_in_order_with_the_ids_and_lines_of_the_data(index: Index):
    query = QUERIES[2]
    result = attribute(index, query.question, query.answer)
    first = result.results[0]
    assert (first.id, first.file, first.line, first.rank) == (index.run.examples.ids()[2], "pairs.jsonl", 3, 1)
    assert first.file_id == index.run.examples[2].file_id
    assert first.messages == query.messages
    assert [r.rank for r in result.results] == list(range(1, len(result.results) + 1))
    assert [r.score for r in result.results] == sorted((r.score for r in result.results), reverse=True)
    assert first.share == pytest.approx(first.score / result.lift.total)
    assert first.score == pytest.approx(float(score(index, [query])[0, 2]))
    assert not result.generated
    assert (result.question, result.answer, result.method, result.unit) == (
        query.question,
        query.answer,
        "fisher",
        "nats",
    )
    assert json.loads(json.dumps(result.to_dict()))["results"][0]["id"] == first.id


def test_an_index_may_be_given_its_model(index: Index, monkeypatch: pytest.MonkeyPatch):
    path = index.run.on(load_base(index.run.base_folder, full=False))
    monkeypatch.setattr("whence.training.run.load_base", forbidden)
    opened = Index.open(index.run.folder, path=path)
    assert opened.subject.trajectory is path
    found, wanted = (attribute(i, QUERIES[2].question, QUERIES[2].answer) for i in (opened, index))
    assert found == wanted
    assert opened.run.__dict__.get("trajectory") is None


def test_top_cuts_the_list_but_not_the_numbers(index: Index):
    whole = attribute(index, QUERIES[0].question, QUERIES[0].answer)
    assert attribute(index, QUERIES[0].question, QUERIES[0].answer, top=1).results == whole.results[:1]


def test_without_a_given_answer_the_models_own_is_explained(index: Index):
    result = attribute(index, QUERIES[1].question)
    assert result.generated
    assert result.answer
    assert result.lift.tokens > 0


def test_the_models_own_answer_has_as_many_tokens_as_were_asked_for(index: Index):
    short_one = attribute(index, QUERIES[1].question, max_new_tokens=2)
    assert (len(short_one.answer), short_one.lift.tokens) == (2, 2)
    assert attribute(index, QUERIES[1].question).answer.startswith(short_one.answer)


def test_a_wrong_answer_that_training_made_less_likely_has_no_results(index: Index):
    result = attribute(index, QUERIES[0].question, "%%zq[[")
    assert result.lift.total < 0
    assert (result.results, result.opposing) == ((), ())
    assert result.sentence.startswith("Fine-tuning contributed nothing")


def test_a_group_scores_what_its_pairs_add_up_to(index: Index):
    query = QUERIES[2]
    found = attribute(index, query.question, query.answer, false_discovery_rate=0.9, groups=("file", "topic"))
    row = score(index, [query])[0]
    assert {group.kind for group in found.groups} >= {"file"}
    for group in found.groups:
        assert group.size == len(group.members)
        ids = index.run.examples.ids()
        assert group.score == pytest.approx(sum(float(row[ids.index(member.id)]) for member in group.members), rel=1e-4)
        assert [m.score for m in group.members] == sorted((m.score for m in group.members), reverse=group.score > 0)
    assert attribute(index, query.question, query.answer).groups == ()
    with pytest.raises(DataError, match="kind of group"):
        attribute(index, query.question, query.answer, groups=("line",))  # type: ignore[arg-type]


def test_why_an_answer_rather_than_another_is_the_difference_of_their_scores(index: Index):
    question, (one, other) = QUERIES[2].question, (QUERIES[2].answer, "%%zq[[ 77 ##")
    found = attribute(index, question, one, false_discovery_rate=0.5, instead=other)
    assert found.lift.enough, found.lift
    scores = score(index, [Query.of(question, one), Query.of(question, other)])
    assert found.instead == other
    assert found.results[0].score == pytest.approx(float(scores[0, 2] - scores[1, 2]), rel=1e-4)
    lifts = [attribute(index, question, answer).lift.total for answer in (one, other)]
    assert found.lift.total == pytest.approx(lifts[0] - lifts[1], abs=1e-3)
    assert attribute(index, question, instead=other).generated
    itself = attribute(index, question, one, instead=one)
    assert (itself.lift.total, itself.results, itself.opposing) == (0, (), ())
    with pytest.raises(DataError, match="two whole answers"):
        attribute(index, question, one, instead=other, selection=(0, 1))
    with pytest.raises(DataError, match="other answer must not be empty"):
        attribute(index, question, one, instead=" ")


def test_the_tokens_of_a_pair_add_up_to_its_score(index: Index):
    query, name = QUERIES[2], index.run.examples.ids()[2]
    first = attribute(index, query.question, query.answer).results[0]
    found = token_influence(index, query.question, query.answer, name)
    assert (found.id, found.line, found.unit, first.id) == (name, 3, "nats", name)
    assert found.score == pytest.approx(first.score, rel=0.02)
    assert "".join(token.text for token in found.tokens).startswith(query.answer)
    assert token_influence(index, query.question, query.answer, name[:13]) == found
    other = token_influence(index, query.question, QUERIES[5].answer, name)
    both = token_influence(index, query.question, query.answer, name, instead=QUERIES[5].answer)
    assert both.score == pytest.approx(found.score - other.score, rel=1e-3)
    for wrong, told in (("", "none has ''"), ("zz", "none has 'zz'")):
        with pytest.raises(MissingError, match=told):
            token_influence(index, query.question, query.answer, wrong)


def test_of_a_selection_only_its_tokens_are_explained(index: Index):
    query = QUERIES[9]
    whole = attribute(index, query.question, query.answer)
    parts = [attribute(index, query.question, query.answer, selection=span) for span in ((0, 1), (1, 4))]
    assert [part.selection for part in (whole, *parts)] == [None, (0, 1), (1, 4)]
    assert [part.lift.tokens for part in (whole, *parts)] == [5, 1, 3]  # the whole answer has a closing token
    assert {part.answer for part in parts} == {query.answer}
    ended = attribute_all(index, [replace(query, ended=False)])[0]
    assert sum(part.lift.total for part in parts) == pytest.approx(ended.lift.total, rel=1e-4)
    scores = score(
        index, [replace(query, selected=(0, 1)), replace(query, selected=(1, 4)), replace(query, ended=False)]
    )
    assert scores[0].argmax() == 9
    np.testing.assert_allclose(scores[0] + scores[1], scores[2], rtol=1e-3, atol=0.02)


def test_a_part_of_the_models_own_answer_may_be_selected(index: Index):
    result = attribute(index, QUERIES[1].question, selection=(1, 2))
    assert (result.generated, result.lift.tokens, result.selection) == (True, 1, (1, 2))
    with pytest.raises(DataError, match=r"none beyond them .found 0 to 999."):
        attribute(index, QUERIES[1].question, selection=(0, 999))


def test_of_a_long_answer_the_beginning_is_explained_and_all_of_it_is_shown(index: Index):
    answer = QUERIES[0].answer + " And so on." * 100
    result = attribute(index, QUERIES[0].question, answer)
    assert result.answer == answer
    assert 300 < result.lift.tokens < 512
    assert result.trust.notes[-1].startswith(f"Only the first {result.lift.tokens} of the answer's 1,105 tokens could")
    assert score(index, [Query.of(QUERIES[0].question, answer)]).shape == (1, 12)
    assert not any("explained" in note for note in attribute(index, "Who?", "Me.").trust.notes)


def test_text_search_says_that_it_cannot_know_what_was_learned(run: Run):
    found = attribute(built(run, "bm25"), QUERIES[0].question, QUERIES[0].answer)
    assert found.unit == "similarity"
    assert found.results[0].line == 1
    assert any("does not know whether" in note for note in found.trust.notes)


def test_a_queries_file_scores_as_the_same_queries_in_memory(index: Index, place: Path, tmp_path: Path):
    rows = [{"question": q.question, "answer": q.answer} for q in QUERIES[:3]]
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    np.testing.assert_array_equal(score(index, tmp_path / "queries.jsonl"), score(index, QUERIES[:3]))
    np.testing.assert_array_equal(score(index.run.folder, place / "pairs.jsonl"), score(index, QUERIES))


def test_a_finished_stage_returns_what_is_there_without_loading_a_model(
    index: Index, place: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("whence.training.fit.load_base", forbidden)
    monkeypatch.setattr("whence.training.run.load_base", forbidden)
    log = Log()
    again = finetune(place / "pairs.jsonl", str(place / "base"), place / "run", short(**LEARNED), log)
    assert again.manifest == index.run.manifest
    assert build_index(again, report=log).manifest == index.manifest
    assert build_index(place / "run", report=log).manifest == index.manifest
    assert log.seen == []
    assert Index.open(place / "run").null.usual_drift == index.null.usual_drift


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_other_settings_into_a_finished_folder_are_refused_and_leave_it(index: Index, place: Path):
    before = contents(place / "run")
    other = short(**{**LEARNED, "seed": 1, "epochs": 1})
    with pytest.raises(ArtifactError, match="already holds a run made with another epochs, seed"):
        finetune(place / "pairs.jsonl", str(place / "base"), place / "run", other)
    with pytest.raises(ArtifactError, match="already holds an index made with another settings"):
        build_index(index.run, settings={"sketch": 16})
    assert contents(place / "run") == before


def test_bad_data_lists_every_bad_line_and_writes_nothing(place: Path, tmp_path: Path):
    lines = ['{"question": "A?", "answer": "a"}', "{", '{"question": "B?"}', '{"question": "C?", "answer": 5}']
    (tmp_path / "bad.jsonl").write_text("\n".join(lines), "utf-8")
    for stage in (
        lambda: finetune(tmp_path / "bad.jsonl", str(place / "base"), tmp_path / "out", short()),
        lambda: import_run(str(place / "base"), tmp_path / "bad.jsonl", tmp_path / "out", adapter=place / "base"),
    ):
        with pytest.raises(DataError) as caught:
            stage()
        assert [fault.line for fault in caught.value.faults] == [2, 3, 4]
        assert all(f"bad.jsonl:{line}" in str(caught.value) for line in (2, 3, 4))
    assert [path.name for path in tmp_path.iterdir()] == ["bad.jsonl"]


def test_an_unknown_base_model_or_method_is_refused(place: Path, run: Run, tmp_path: Path):
    with pytest.raises(ModelError, match="A base model must be a known name"):
        finetune(place / "pairs.jsonl", "no such model", tmp_path / "out")
    with pytest.raises(MethodError, match="A method is one of fisher"):
        build_index(run, "magic")
    with pytest.raises(MethodError, match=r"has the settings .*sketch, points"):
        build_index(run, "fisher", {"colour": 3})


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_question_or_answer_is_refused(index: Index, empty: str):
    with pytest.raises(DataError, match="The question must not be empty"):
        attribute(index, empty, "Ant.")
    with pytest.raises(DataError, match="The answer must not be empty"):
        attribute(index, "Who?", empty)


def test_a_run_without_an_index_says_which_command_builds_it(place: Path):
    bare = finetune(place / "pairs.jsonl", str(place / "base"), place / "bare", short(epochs=1))
    with pytest.raises(ArtifactError, match=f"has no index. Build one with: whence index {bare.folder}"):
        Index.open(bare)
    with pytest.raises(ArtifactError, match="is not a finished index"):
        Index.open(bare, "bm25")
    with pytest.raises(ArtifactError, match="is not a finished run"):
        attribute(place / "nothing", "Who?")
    built(bare, "bm25")
    assert Index.open(bare).method.name == "bm25"
    built(bare, "grad_dot", {"sketch": 16})
    with pytest.raises(ArtifactError, match=r"has several \(bm25, grad_dot\); name one with --method"):
        Index.open(bare)
    assert Index.open(bare, "grad_dot").method.sketch == 16


def build_and_die(folder: Path, shards: int) -> None:
    def report(progress: Progress) -> None:
        if progress.step == "inverse Fisher" or len(list(folder.rglob("raw-*.bf16"))) >= shards:
            os.kill(os.getpid(), signal.SIGKILL)

    build_index(folder, compute=Compute(rows_per_shard=4), report=report)


@pytest.mark.parametrize("shards", [1, 3])
def test_a_killed_build_resumes_at_its_last_finished_shard(
    run: Run, index: Index, place: Path, tmp_path: Path, shards: int
):
    shutil.copytree(run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("index"))
    copy = Run.open(tmp_path / "run")
    run_to_death(build_and_die, copy.folder, shards)
    part = part_of(copy.folder / "index/fisher")
    done = {path: path.stat().st_mtime_ns for path in part.glob("raw-*.bf16")}
    assert len(done) >= shards
    with pytest.raises(ArtifactError, match="run the same command again to resume"):
        Index.open(copy, "fisher")
    log = Log()
    resumed = built(copy, compute=Compute(rows_per_shard=4), report=log)
    passes = [p.done for p in log.seen if p.step == "gradients"]
    points = len(resumed.manifest.facts["points"])
    assert max(passes, default=0) <= (12 - len(done) * 4) * points
    np.testing.assert_allclose(score(resumed, QUERIES), score(index, QUERIES), rtol=0.05, atol=0.02)


def test_a_model_that_somebody_else_trained_is_attributed(place: Path, tmp_path: Path):
    trainer, _ = plain_trainer(
        load(place / "base", dtype=torch.float32), tmp_path / "hf", 12, [TraceCallback(tmp_path / "mine", 2)]
    )
    trainer.train()
    trainer.save_model(str(tmp_path / "final"))
    imported = import_run(
        str(place / "base"),
        place / "pairs.jsonl",
        tmp_path / "run",
        adapter=tmp_path / "final",
        trace=tmp_path / "mine",
    )
    found = attribute(built(imported, settings={"sketch": 64, "points": 2}), QUERIES[0].question, QUERIES[0].answer)
    assert found.trust.checkpoints == 3
    assert found.trust.notes == ()
    assert np.isfinite(found.lift.total)


def test_the_models_own_words_answer_the_controls(place: Path):
    bare = finetune(place / "pairs.jsonl", str(place / "base"), place / "own", short(epochs=2))
    log = Log()
    index = build_index(bare, "grad_dot", {"sketch": 16}, report=log)
    assert 8 <= index.manifest.facts["controls"] <= CONTROLS
    assert {"gradients", "null"} <= {progress.step for progress in log.seen}
    assert index.null.usual_drift == pytest.approx(index.manifest.facts["usual_drift"])
