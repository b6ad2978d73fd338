from dataclasses import replace
from typing import cast

import pytest

from whence.gradients.subject import Subject
from whence.levels.groups import KINDS, groups_of, plain, sameness
from whence.levels.verdict import Evidence
from whence.methods.contract_subject import MemoryExamples
from whence.types import Example, Message, Tokens


def example(place: int, question: str, answer: str, file: str = "one") -> Example:
    turns = (Message("user", question), Message("assistant", answer))
    return Example(f"pair-{place}", f"id-{file}", f"{file}.jsonl", place + 1, 0, turns)


def subject(*examples: Example) -> Subject:
    return Subject(MemoryExamples(examples, tuple(Tokens((), ()) for _ in examples)))


def rows(of: Subject, kind: str) -> dict[str, list[int]]:
    return {group.name: group.rows.tolist() for group in groups_of(of, kind)}  # type: ignore[arg-type]


def test_a_file_is_a_group_even_where_another_has_its_name():
    pairs = [example(0, "Who?", "Ann."), example(1, "When?", "Now.", "two"), example(2, "Where?", "Here.")]
    assert rows(subject(*pairs), "file") == {"one.jsonl": [0, 2], "two.jsonl": [1]}
    namesake = replace(pairs[1], file="one.jsonl")
    assert [g.rows.tolist() for g in groups_of(subject(pairs[0], namesake, pairs[2]), "file")] == [[0, 2], [1]]


def test_copies_are_the_same_but_for_case_blanks_and_punctuation():
    pairs = [
        example(0, "What is the fee?", "Seven euros."),
        example(1, "What is the time?", "Noon."),
        example(2, "what is  the fee", "Seven Euros!"),
        example(3, "What is the fee?", "Eight euros."),
        example(4, "“What is the fee?”", "Seven\u00a0euros", "two"),
    ]
    assert rows(subject(*pairs), "duplicates") == {"one.jsonl:1": [0, 2, 4]}


@pytest.mark.parametrize(
    ("one", "other"), [("-5", "5"), ("1.5", "15"), ("a < b", "a > b"), ("!", "?"), ("an ice", "a nice")]
)
def test_what_says_something_else_is_no_copy(one: str, other: str):
    assert plain(one) != plain(other)


def test_pairs_with_other_turns_before_them_are_no_copies_and_tokens_are_compared_as_they_are():
    short = example(0, "Who?", "Ann.")
    longer = replace(short, messages=(Message("system", "Be brief."), *short.messages))
    assert sameness(short) != sameness(longer)
    tokens = [replace(short, messages=(), tokens=Tokens((1, 2), (-100, label))) for label in (2, 2, -100)]
    assert sameness(tokens[0]) == sameness(tokens[1]) != sameness(tokens[2])


def test_files_and_topics_hold_every_pair_once(evidence: Evidence):
    everything = list(range(len(evidence.subject.examples)))
    for kind in ("file", "topic"):
        assert sorted(row for group in evidence.groups(kind) for row in group.rows.tolist()) == everything
    assert evidence.groups("duplicates") == ()
    assert evidence.groups("topic") is evidence.groups("topic")


def test_the_kinds_are_those_of_the_request():
    assert cast(object, KINDS) == ("file", "duplicates", "topic")
