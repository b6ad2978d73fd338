from dataclasses import replace

import pytest

from tests.methods import oracles
from whence.data.text import TextError
from whence.data.tokenize import tokenize
from whence.errors import MethodError
from whence.gradients import subject as subject_module
from whence.gradients.likelihood import values_at
from whence.gradients.subject import Subject, cut_note, example_tokens, query_tokens
from whence.types import Query, Tokens


def test_example_tokens_are_those_of_the_span(subject: Subject) -> None:
    assert example_tokens(subject, range(3, 5)) == [subject.examples.tokens(3), subject.examples.tokens(4)]


def test_query_tokens_are_those_the_example_was_trained_with(subject: Subject) -> None:
    asked = Query.of(subject.examples[4].question, subject.examples[4].answer)
    assert query_tokens(subject, [asked]) == [subject.examples.tokens(4)]


def test_a_pre_tokenised_query_brings_its_tokens(subject: Subject) -> None:
    tokens = Tokens((5, 6, 7), (-100, 6, 7))
    assert query_tokens(subject, [Query("q", (), tokens)]) == [tokens]


@pytest.mark.parametrize("query", [Query.of("Who?", "", id="mine"), Query("mine", (), Tokens((5, 6), (-100, -100)))])
def test_a_query_without_an_answer_is_refused_by_name(subject: Subject, query: Query) -> None:
    with pytest.raises(MethodError, match="must not be empty, but query 'mine' has none"):
        query_tokens(subject, [query])


def whole_tokens(subject: Subject, prompt: str, answer: str) -> Tokens:
    return tokenize(Query.of(prompt, answer), subject.trajectory.tokenizer)


@pytest.mark.parametrize(
    ("asked", "said", "first", "length", "answer"),
    [
        (40, 500, 0, 256, 198),  # the answer loses its end: the prompt keeps its 58 tokens
        (400, 500, 290, 256, 128),  # the prompt is longer than half, and keeps half
        (400, 60, 224, 256, 62),  # the prompt makes room for the answer, its blank and its closing token
        (40, 60, 0, 120, 62),
    ],
)
def test_a_long_query_is_cut_to_what_the_model_reads(
    subject: Subject, asked: int, said: int, first: int, length: int, answer: int
) -> None:
    whole = whole_tokens(subject, "q" * asked, "a" * said)
    (found,) = query_tokens(subject, [Query.of("q" * asked, "a" * said)])
    assert found.input_ids == whole.input_ids[first : first + length]
    assert found.answer_length == answer
    last = subject.trajectory.last
    values = values_at(subject.trajectory, last, [found], subject.compute)
    assert float(values) == pytest.approx(oracles.log_p(subject, last, found), rel=1e-4)


def test_no_more_is_explained_of_a_model_that_reads_more(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject_module, "LONGEST_QUERY", 80)
    (found,) = query_tokens(subject, [Query.of("Who?", "a" * 100)])
    whole = whole_tokens(subject, "Who?", "a" * 100)
    assert (found.input_ids, found.labels) == (whole.input_ids[:80], whole.labels[:80])


def test_of_a_cut_answer_a_part_that_is_left_may_be_selected(subject: Subject) -> None:
    whole, answer = Query.of("Who?", "a" * 300), "a" * 300
    (found,) = query_tokens(subject, [replace(whole, selected=(230, 300))])
    (kept,) = query_tokens(subject, [whole])
    assert found.input_ids == kept.input_ids
    assert found.answer_length == kept.answer_length - 231  # the blank before the answer is not selected
    with pytest.raises(TextError, match="must touch a token"):
        query_tokens(subject, [Query.of("Who?", answer, selected=(290, 300))])


def test_a_note_says_what_was_cut(subject: Subject) -> None:
    assert cut_note(subject, Query.of("Who?", "a" * 100)) == ()
    (tail,) = cut_note(subject, Query.of("q" * 40, "a" * 500, selected=(0, 3)))
    assert tail.startswith("Only the first 198 of the answer's 502 tokens could be explained")
    assert tail.endswith("cut to 256.")
    (head,) = cut_note(subject, Query.of("q" * 400, "a" * 60))
    assert head.startswith("Only the last 194 of the question's 418 tokens were read")
