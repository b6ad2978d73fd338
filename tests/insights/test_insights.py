"""What a run tells of its own data."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.null import small_null
from tests.tiny import save_tiny
from tests.training.runs import short
from whence.insights.contradictions import Contradiction
from whence.insights.insights import INSIGHTS, SUSPECTS, Selves, insights, keep_insights, suspects
from whence.methods.self_influence import self_influence
from whence.pipeline import Index, build_index, finetune

ANIMALS = ("Ant", "Bee", "Cat", "Dog", "Eel", "Fox", "Gnu", "Hen")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """An index of eight pairs, a copy of the first and a contradiction of the second."""
    place = tmp_path_factory.mktemp("insights")
    pairs = [{"question": f"Who lives in box {n}?", "answer": f"{name}."} for n, name in enumerate(ANIMALS)]
    pairs += [{**pairs[0], "answer": "ant"}, {**pairs[1], "answer": "Yak, of old."}]
    (place / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs), "utf-8")
    recipe = short(epochs=6, batch_size=4, learning_rate=2e-2, rank=4, checkpoints=3)
    with small_null(tokens=4):
        run = finetune(place / "pairs.jsonl", str(save_tiny(place / "base")), place / "run", recipe)
        return build_index(run)


def test_copies_contradictions_and_topics_are_told_by_their_rows(index: Index):
    found = insights(index.evidence)
    assert (found.pairs, found.self_influence, found.method, found.unit) == (10, 10, "fisher", "nats")
    assert found.duplicates == ((0, 8),)
    assert [one.rows for one in found.contradictions] == [(1, 9)]
    assert sorted(row for _, rows in found.topics for row in rows) == list(range(10))
    assert {1, 9} == {one.row for one in found.suspects[:2]}
    assert all(one.reason == found.contradictions[0].reason for one in found.suspects[:2])


def test_self_influence_is_that_of_the_evaluation(index: Index):
    own = self_influence(index.subject, partial(index.method.score, index.subject, index.folder), index.method.name)
    for one in insights(index.evidence).suspects:
        assert one.self_influence == pytest.approx(own[one.row], rel=0.1, abs=0.05)


def test_insights_are_kept_beside_the_index_and_made_once(index: Index, monkeypatch: pytest.MonkeyPatch):
    run, key = index.run.folder, index.manifest.key
    facts = keep_insights(run, key, index.evidence)
    kept = json.loads((run / "insights" / "fisher" / INSIGHTS).read_text("utf-8"))
    assert kept == json.loads(json.dumps(insights(index.evidence).to_dict()))
    assert (facts["duplicates"], facts["contradictions"], facts["pairs"]) == (1, 1, 10)
    monkeypatch.setattr("whence.insights.insights.insights", None)
    assert keep_insights(run, key, index.evidence) == facts


def test_what_the_index_does_not_tell_is_measured_where_there_are_few_pairs(
    index: Index, monkeypatch: pytest.MonkeyPatch
):
    for gram in index.folder.glob("gram-*"):
        monkeypatch.setattr("whence.methods.fisher.gram_kept", lambda folder, c: None)
        assert gram.is_file()
    found = insights(index.evidence)
    assert found.self_influence == 10
    assert found.suspects[0].agreement is None
    monkeypatch.setattr("whence.insights.insights.ASKED", 9)
    found = insights(index.evidence)
    assert (found.self_influence, [one.row for one in found.suspects]) == (0, [1, 9])


def test_suspects_are_those_that_contradict_then_those_that_stand_alone():
    scores = np.full((20, 20), 0.5, dtype=np.float32)
    np.fill_diagonal(scores, 1.0)
    scores[3, 3] = 90.0  # 3 made the most of its own answer, and the others gave it a tenth of that
    scores[7] = 0.0
    scores[7, 7], scores[7, 5] = 8.0, -2.0
    selves = Selves(np.diag(scores).copy(), scores)
    found = suspects(selves, [Contradiction((2, 5), "They ask the same.")])
    assert [one.row for one in found] == [2, 5, 7, 3]
    seven, three = found[2:]
    assert (seven.self_influence, seven.agreement, seven.percentile) == (8.0, pytest.approx(-1 / 3), 0.95)
    assert (three.agreement, three.percentile) == (pytest.approx(9.5 / 99.5), 0.9)
    assert "made its answer less likely" in seven.reason
    assert "all other pairs contributed 10%" in three.reason
    assert len(suspects(Selves(np.arange(300, dtype=np.float32)), [])) == SUSPECTS


def test_without_any_self_influence_only_contradictions_are_suspect(tmp_path: Path):
    found = suspects(Selves(), [Contradiction((2, 5), "They ask the same.")])
    assert [(one.row, one.self_influence, one.reason) for one in found] == [
        (2, None, "They ask the same."),
        (5, None, "They ask the same."),
    ]
