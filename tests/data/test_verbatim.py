import random

import pytest

from whence.data.verbatim import LONGEST, NAMED, least_words, normal, verbatim
from whence.types import Example, Message


def pair(number: int, question: str, answer: str) -> Example:
    turns = (Message("user", question), Message("assistant", answer))
    return Example(f"pair-{number}", "file", "faq.jsonl", number, 0, turns)


def pairs(*texts: tuple[str, str]) -> list[Example]:
    return [pair(number, *text) for number, text in enumerate(texts, start=1)]


def test_a_sentence_of_a_pair_is_found_whatever_its_case_and_punctuation():
    answer = "Well: EXPRESS orders, are delivered by the carrier Kestrix. Soon!"
    (found,) = verbatim(answer, pairs(("Who?", "Express orders are delivered by the carrier, Kestrix!")))
    assert (found.text, found.count) == ("EXPRESS orders, are delivered by the carrier Kestrix", 1)
    assert answer[found.start : found.end] == found.text
    assert [(p.id, p.file, p.line) for p in found.pairs] == [("pair-1", "faq.jsonl", 1)]


def test_questions_count_and_the_longest_comes_first_and_nothing_overlaps():
    data = pairs(("a b c d e", "z"), ("x", "d e f g h i j"), ("k l m n", "x"))
    found = verbatim("a b c d e f g h i j. K L M N!", data)
    assert [(s.text, [p.line for p in s.pairs]) for s in found] == [
        ("d e f g h i j", [2]),
        ("K L M N", [3]),
    ]  # what is left of the first, "a b c", is too short


def test_a_sequence_does_not_go_from_the_question_into_the_answer():
    assert verbatim("a b c d", pairs(("a b", "c d"))) == []


def test_all_pairs_are_counted_and_some_are_named():
    (found,) = verbatim("one two three four", pairs(*[("q", f"{i} one two three four {i}") for i in range(NAMED + 5)]))
    assert (found.count, len(found.pairs)) == (NAMED + 5, NAMED)
    assert [p.line for p in found.pairs] == list(range(1, NAMED + 1))


@pytest.mark.parametrize(("count", "least"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4), (500, 4)])
def test_a_short_answer_needs_fewer_words(count: int, least: int):
    assert least_words(count) == least


def test_texts_without_blanks_are_compared_character_by_character():
    (found,) = verbatim("订单由承运商送达。", pairs(("谁？", "快递订单由承运商送达")))
    assert found.text == "订单由承运商送达"
    assert normal("It’s the B52's 24th_day") == ["it's", "the", "b52's", "24th", "day"]


@pytest.mark.parametrize("answer", ["", "?!", " \n"])
def test_an_answer_without_words_has_no_spans(answer: str):
    assert verbatim(answer, pairs(("?", "!"), ("", ""))) == []


def test_pre_tokenised_pairs_have_no_words():
    assert verbatim("a b c d", [Example("i", "f", "a.jsonl", 1, 0, ())]) == []


def test_what_comes_after_very_many_words_is_not_looked_at():
    answer = " ".join(["a"] * LONGEST + ["one two three four"])
    assert verbatim(answer, pairs(("q", "one two three four"))) == []


@pytest.mark.parametrize("seed", range(60))
def test_it_finds_what_trying_all_sequences_finds(seed: int):
    rng = random.Random(seed)
    words = "abcd"[: rng.randint(2, 4)]

    def text(length: int) -> str:
        return " ".join(rng.choice(words) for _ in range(length))

    answer = text(rng.randint(1, 18))
    data = pairs(*[(text(rng.randint(0, 9)), text(rng.randint(0, 14))) for _ in range(6)])
    found = [(s.start // 2, len(normal(s.text)), s.count) for s in verbatim(answer, data)]
    assert found == tried(answer.split(), data)


def tried(answer: list[str], data: list[Example]) -> list[tuple[int, int, int]]:
    """The same by trying: first word, number of words, number of pairs; one letter a word, so that places are known."""

    def holds(one: Example, part: list[str]) -> bool:
        texts = (one.question.split(), one.answer.split())
        return any(t[i : i + len(part)] == part for t in texts for i in range(len(t)))

    free, found = [True] * len(answer), list[tuple[int, int, int]]()
    least = least_words(len(answer))
    for length in range(len(answer), least - 1, -1):
        for first in range(len(answer) - length + 1):
            part = answer[first : first + length]
            count = sum(holds(one, part) for one in data)
            if all(free[first : first + length]) and count:
                found.append((first, length, count))
                free[first : first + length] = [False] * length
    return found
