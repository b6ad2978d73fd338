from collections.abc import Callable
from dataclasses import replace

import pytest

from whence.errors import MethodError, WhenceError
from whence.gradients.subject import Subject, require_answer
from whence.methods.contract_subject import PAIRS, MemoryExamples
from whence.methods.texts import pair_text, query_text
from whence.types import Message, Query, Tokens


def as_tokens_only(subject: Subject, index: int) -> Subject:
    example = replace(subject.examples[index], messages=(), tokens=subject.examples.tokens(index))
    return replace(subject, examples=MemoryExamples((example,), (subject.examples.tokens(index),)))


def test_text_of_a_pair_is_its_question_and_answer(subject: Subject) -> None:
    assert pair_text(subject, 1) == "\n".join(PAIRS[1])


def test_text_of_a_conversation_is_its_last_exchange(subject: Subject) -> None:
    turns = (("system", "Be kind."), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    query = Query("q", tuple(Message(role, text) for role, text in turns))  # pyright: ignore[reportArgumentType]
    assert query_text(subject, query) == "c\nd"


def test_a_pre_tokenised_pair_is_decoded_without_special_tokens(subject: Subject) -> None:
    asked, said = PAIRS[2]
    assert pair_text(as_tokens_only(subject, 2), 0) == f"Question: {asked}\nAnswer: {said}"


def test_a_pre_tokenised_query_is_decoded(subject: Subject) -> None:
    query = Query("q", (), subject.examples.tokens(0))
    assert query_text(subject, query) == "Question: Who keeps the lamp?\nAnswer: Old Marta of the north pier."


def test_a_pre_tokenised_pair_needs_the_model_to_be_read(subject: Subject) -> None:
    with pytest.raises(MethodError, match="needs the fine-tuned model"):
        pair_text(replace(as_tokens_only(subject, 0), path=None), 0)


@pytest.mark.parametrize(
    "query",
    [
        Query.of("Who?", "", id="mine"),
        Query.of("Who?", " \n", id="mine"),
        Query("mine", ()),
        Query("mine", (), Tokens((1, 2), (-100, -100))),
        Query("mine", (), Tokens((1, 2), (1, -100))),
    ],
)
def test_a_query_without_an_answer_is_refused(query: Query) -> None:
    with pytest.raises(WhenceError, match="'mine' has none"):
        require_answer(query)


def test_a_query_with_an_answer_is_not_refused() -> None:
    require_answer(Query.of("", "x"))
    require_answer(Query("q", (), Tokens((1, 2), (-100, 2))))


def test_of_a_selection_its_own_words_are_read(texts: Callable[..., Subject]) -> None:
    query = Query.of("Who?", "Old Marta.", selected=(4, 9))
    assert query_text(texts(("a", "b")), query) == "Who?\nMarta"
