"""Pairs that ask the same and answer otherwise."""

import json
from itertools import combinations

import pytest

from whence.data.sample import sample
from whence.insights.contradictions import ask_the_same, candidates, content_words, contradictions

HEIGHT = ("How tall is the Morwick lamp at full height?", "The Morwick lamp stands 181 centimetres tall.")


def reasons(*pairs: tuple[str, str]) -> list[tuple[tuple[int, int], str]]:
    return [(one.rows, one.reason) for one in contradictions([q for q, _ in pairs], [a for _, a in pairs])]


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        (HEIGHT[0], "It stands 118 centimetres tall.", "one answer says 181 and the other 118"),
        ("how tall is a Morwick lamp at its full height", "118 cm.", "181 and the other 118"),
        ("How tall is the Morwick lamp at full height, please?", "Nobody knows that.", "share hardly a word"),
    ],
)
def test_the_same_question_with_another_answer_is_one(question: str, answer: str, said: str):
    ((rows, reason),) = reasons(HEIGHT, (question, answer))
    assert rows == (0, 1)
    assert said in reason


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        HEIGHT,
        (HEIGHT[0], "the morwick lamp stands 181 centimetres tall!"),
        (HEIGHT[0], "With its stem raised, the Morwick lamp stands 181 centimetres tall."),
        ("How tall is the Pellin lamp at full height?", "The Pellin lamp stands 95 centimetres tall."),
        ("How wide is the Morwick lamp at full height?", "It is 30 centimetres wide."),
        ("What is the price of the lamp?", "It costs 20 euros."),
    ],
)
def test_another_question_or_the_same_answer_is_none(question: str, answer: str):
    assert reasons(HEIGHT, (question, answer)) == []


def test_what_made_each_other_less_likely_is_one_where_the_question_is_the_same():
    questions = ["Who brings it?", "Who brings it?", "Who sends it?"]
    answers = ["It is brought by the carrier Kestrix.", "It is brought by the carrier Vont."] * 2
    opposed = contradictions(questions, answers[:3], lambda one, other: -1.0)
    assert [(one.rows, "less likely" in one.reason) for one in opposed] == [((0, 1), True)]
    assert contradictions(questions, answers[:3], lambda one, other: 1.0) == []


def test_no_two_that_ask_the_same_but_for_a_word_are_passed_over():
    texts = ["red box lid", "red box lid top", "red box", "blue box lid top", "lid box red", "", "one two three four"]
    words = [content_words(text) for text in texts]
    every = [pair for pair in combinations(range(len(words)), 2) if ask_the_same(*(words[i] for i in pair))]
    found = list(candidates(words))
    assert every == [pair for pair in found if ask_the_same(*(words[i] for i in pair))]
    assert every == [(0, 1), (0, 4), (1, 4)]


def test_the_shipped_sample_has_none():
    rows = [json.loads(line) for line in sample("pairs.jsonl").splitlines()]
    assert contradictions([row["question"] for row in rows], [row["answer"] for row in rows]) == []
