from whence.levels.controls import answered, conversations, questions
from whence.types import Message


def test_control_questions_are_many_and_unique():
    assert len(questions()) >= 32
    assert len({question.strip().lower() for question in questions()}) == len(questions())
    assert all(question and question == question.strip() for question in questions())


def test_conversations_are_the_first_questions_alone():
    assert conversations(2) == [(Message("user", question),) for question in questions()[:2]]
    assert len(conversations(10_000)) == len(questions())
    assert conversations(0) == []


def test_answers_meet_their_questions_and_empty_ones_are_dropped():
    queries = answered([("one", True), ("", True), ("three", False)])
    assert [(q.id, q.question, q.answer, q.ended) for q in queries] == [
        ("control-0", questions()[0], "one", True),
        ("control-2", questions()[2], "three", False),
    ]
    assert answered([]) == []
