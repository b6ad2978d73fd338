import json
from pathlib import Path
from typing import Any

import pytest

from whence.errors import DataError
from whence.evaluation import questions as asking
from whence.evaluation.questions import Asked, answered, drawn, lines_of, read, rows_on
from whence.gradients.subject import Subject
from whence.methods.contract_subject import MemoryExamples, tiny_examples, tiny_subject
from whence.models.generate import Generated
from whence.types import Example, Message

EXAMPLES = tiny_examples()


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_a_file_gives_questions_with_kind_answer_and_rows(tmp_path: Path):
    path = write(
        tmp_path / "queries.jsonl",
        {"question": "Who has the lamp?", "kind": "training", "sources": [1, 3], "answer": None},
        {"question": "How deep?", "answer": "Very.", "kind": "wrong"},
        {"question": "What now?", "sources": ["pairs.jsonl:2"]},
        {"question": "And then?"},
    )
    assert read(path, EXAMPLES) == [
        Asked((Message("user", "Who has the lamp?"),), "training", None, (0, 2)),
        Asked((Message("user", "How deep?"),), "wrong", "Very."),
        Asked((Message("user", "What now?"),), "paraphrase", None, (1,)),
        Asked((Message("user", "And then?"),), "held-out"),
    ]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"question": " "}, "question must be a text"),
        ({"question": "Q", "answer": ""}, "answer must be a text"),
        ({"question": "Q", "kind": "odd"}, "kind must be one of paraphrase, training, held-out, wrong"),
        ({"question": "Q", "sources": 3}, "sources must be a list"),
        ({"question": "Q", "sources": [True]}, "sources must be a list"),
        ({"question": "Q", "sources": [13]}, "sources must be lines of the run's data"),
    ],
)
def test_a_bad_line_is_told_with_its_place(row: dict[str, Any], complaint: str, tmp_path: Path):
    path = write(tmp_path / "queries.jsonl", {"question": "Fine?"}, row, {"question": ""})
    with pytest.raises(DataError, match=complaint) as caught:
        read(path, EXAMPLES)
    assert [fault.line for fault in caught.value.faults] == [2, 3]


def test_of_several_files_a_line_needs_its_file():
    more = Example("x", "other", "more.jsonl", 1, 0, EXAMPLES[0].messages)
    both = MemoryExamples((*EXAMPLES.items, more), (*EXAMPLES.encoded, EXAMPLES.encoded[0]))
    assert lines_of(both)["more.jsonl:1"] == (12,)
    assert rows_on(["pairs.jsonl:1", "more.jsonl:1"], both) == (0, 12)
    with pytest.raises(DataError, match="Of several files write file:line"):
        rows_on([1], both)


def test_questions_are_drawn_of_three_kinds_and_no_pair_twice():
    found = drawn(EXAMPLES, each=4, seed=2)
    assert [one.kind for one in found] == ["training"] * 4 + ["paraphrase"] * 4 + ["wrong"] * 4
    assert drawn(EXAMPLES, each=4, seed=2) == found != drawn(EXAMPLES, each=4, seed=3)
    texts = {pair.question: row for row, pair in enumerate(EXAMPLES.items)}
    for one in found[:4]:
        assert one.sources == (texts[one.prompt[-1].content],)
    for one in found[4:8]:
        (row,) = one.sources
        question = EXAMPLES[row].question
        assert one.prompt[-1].content != question
        assert question[1:] in one.prompt[-1].content
    for one in found[8:]:
        row = texts[one.prompt[-1].content]
        assert one.answer in {pair.answer for pair in EXAMPLES.items} - {EXAMPLES[row].answer}
        assert one.sources == ()
    rows = [row for one in found for row in one.sources or (texts[one.prompt[-1].content],)]
    assert len(set(rows)) == 12
    assert len(drawn(EXAMPLES, each=99)) == 12


def test_pairs_without_text_cannot_be_drawn_from():
    with pytest.raises(DataError, match="Give a file of questions"):
        drawn(MemoryExamples((Example("x", "f", "f", 1, 0, (), EXAMPLES.encoded[0]),), EXAMPLES.encoded[:1]))


def test_open_questions_get_the_models_own_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    subject = tiny_subject(tmp_path)
    asked = drawn(EXAMPLES, each=2)
    own = asking.own_answers(subject, [one.prompt for one in asked if one.answer is None], 8)
    found = answered(subject, asked, 8)
    assert [q.query.answer for q in found if q.kind != "wrong"] == [answer.text for answer in own if answer.text]
    assert [q.query.answer for q in found if q.kind == "wrong"] == [one.answer for one in asked[4:]]

    def mute(subject: Subject, prompts: list[Any], *_: Any) -> list[Generated]:
        return [Generated("" if i == 0 else "Yes", ended=i == 1) for i in range(len(prompts))]

    monkeypatch.setattr(asking, "own_answers", mute)
    some = answered(subject, asked)
    assert [q.query.id for q in some] == [f"question-{i}" for i in range(2, 7)]
    assert [q.query.ended for q in some] == [True, False, False, True, True]
