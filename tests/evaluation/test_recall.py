import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.test_pipeline import LEARNED, built, forbidden, unrelated
from tests.tiny import save_tiny
from tests.training.runs import ANSWERS, COLOURS, Log, short
from whence.errors import ArtifactError
from whence.evaluation import recall
from whence.evaluation.recall import SelfRecall, drawn, recall_folder, recorded, self_recall, unseen_controls
from whence.levels.controls import questions
from whence.levels.measure import CONTROLS
from whence.pipeline import Index, attribute, evaluate_recall, finetune
from whence.types import silent

COPIES = 5
"""Lines that the first pair stands on: more than there are first results."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    place = tmp_path_factory.mktemp("recall")
    pairs = list(zip(COLOURS, ANSWERS, strict=True))
    rows = [{"question": f"Who lives in the {c} box?", "answer": a} for c, a in [pairs[0]] * (COPIES - 1) + pairs]
    (place / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return built(finetune(place / "pairs.jsonl", str(save_tiny(place / "base")), place / "run", short(**LEARNED)))


@pytest.fixture(autouse=True)
def unrelated_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model answers everything with an animal, which would be no unrelated answer."""
    monkeypatch.setattr(recall, "own_answers", unrelated)


def by_hand(index: Index) -> list[bool]:
    """For each pair whether attribution of its own words has its text among the first three."""
    found: list[bool] = []
    for example in index.run.examples:
        results = attribute(index, example.question, example.answer).results[:3]
        found.append(any(r.messages == example.messages for r in results))
    return found


def test_the_counts_are_those_of_asking_one_by_one(index: Index):
    wanted, rows = by_hand(index), len(index.run.examples)
    assert sum(wanted) >= rows // 2
    whole = self_recall(index.evidence, count=99)
    assert (whole.found, whole.asked, whole.controls) == (sum(wanted), rows, len(questions()) - CONTROLS)
    assert whole.silent == sum(not attribute(index, q.question, q.answer).results for q in controls(index))
    few = self_recall(index.evidence, count=4, seed=3)
    assert (few.found, few.asked, few.controls) == (sum(wanted[row] for row in drawn(rows, 4, 3)), 4, 4)


def controls(index: Index) -> list[Any]:
    return unseen_controls(index.subject, 99, silent)


def test_a_pair_that_stands_more_often_than_three_times_is_found_by_any_of_its_lines(index: Index):
    first = index.run.examples[0]
    results = attribute(index, first.question, first.answer).results
    lines = [r.line for r in results[:3]]
    assert set(lines) < set(range(1, COPIES + 1))
    assert all(by_hand(index)[:COPIES])


def test_controls_are_those_that_the_null_has_not_seen(index: Index):
    asked = [query.question for query in controls(index)]
    assert asked == list(questions()[CONTROLS:])
    assert len(unseen_controls(index.subject, 3, silent)) == 3


def test_rows_are_drawn_evenly_and_alike_for_equal_seeds():
    assert drawn(100, 8, 5) == drawn(100, 8, 5) != drawn(100, 8, 6)
    assert drawn(3, 8, 0) == [0, 1, 2]
    counts = Counter(row for seed in range(400) for row in drawn(10, 5, seed))
    assert all(len(set(drawn(10, 5, seed))) == 5 for seed in range(20))
    assert all(150 < counts[row] < 250 for row in range(10))


def test_it_is_measured_once_and_every_later_attribution_tells_of_it(index: Index, monkeypatch: pytest.MonkeyPatch):
    question, answer = f"Who lives in the {COLOURS[2]} box?", ANSWERS[2]
    assert attribute(index, question, answer).trust.recall is None
    log = Log()
    found = evaluate_recall(index, report=log)
    assert found == self_recall(index.evidence)
    assert [(p.done, p.total) for p in log.seen if p.step == "recall"] == [(0, 16), (8, 16), (16, 16)]
    trust = attribute(index, question, answer).to_dict()["trust"]
    assert trust["recall"] == {"found": found.found, "asked": 8}
    with pytest.raises(ArtifactError, match="made with another count"):
        evaluate_recall(index, count=3)
    monkeypatch.setattr("whence.training.run.load_base", forbidden)
    assert evaluate_recall(index.run.folder) == found
    folder = recall_folder(index.run.folder, "fisher")
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["facts"] == found.to_dict()


def test_of_another_index_or_none_nothing_is_told(tmp_path: Path, index: Index):
    assert recorded(tmp_path / "nothing", index.manifest.key) is None
    folder = tmp_path / "recall"
    manifest = {"kind": "recall", "config": {}, "inputs": {"index": "another"}, "versions": {}}
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({**manifest, "facts": SelfRecall(1, 2, 3, 4).to_dict()}), "utf-8")
    assert recorded(folder, index.manifest.key) is None
    assert recorded(folder, "another") == SelfRecall(1, 2, 3, 4)
