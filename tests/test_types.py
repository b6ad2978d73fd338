import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from tests import golden
from whence.errors import DataError
from whence.types import (
    Attribution,
    AttributionRequest,
    Example,
    Faithfulness,
    Group,
    Influence,
    Level,
    Lift,
    Member,
    Message,
    Query,
    Recall,
    TokenInfluence,
    Tokens,
    TokenScore,
    Trust,
    decode,
)

TURNS = (Message("system", "Be brief."), Message("user", "Who?"), Message("assistant", "Ann."))


def influence(line: int = 3, **other: Any) -> Influence:
    known: dict[str, Any] = {"id": f"id-{line}", "file_id": "file-1", "file": "faq.jsonl", "line": line}
    numbers: dict[str, Any] = {"score": 2.5, "share": 0.25, "p_value": 0.001, "rank": 1}
    return Influence(**{**known, "messages": TURNS, "level": Level.HIGH, **numbers, **other})


def attribution(*results: Influence, fine_tuned: float = -1.0, opposing: tuple[Influence, ...] = ()) -> Attribution:
    lift = Lift(fine_tuned=fine_tuned, base=-11.0, tokens=4, needed=2.0)
    return Attribution("Who?", "Ann.", results, opposing, lift, "fisher", "nats", Trust("fisher", 0.05, 48, 7, ("a",)))


def test_the_json_has_the_documented_fields_and_nothing_else():
    found = attribution(influence(), opposing=(influence(9),)).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found.keys() == {
        *("version", "question", "answer", "generated", "selection", "instead"),
        *("results", "opposing", "groups", "method", "unit", "lift", "trust", "distribution"),
    }
    assert found["lift"] == {"total": 10.0, "fine_tuned": -1.0, "base": -11.0, "tokens": 4, "needed": 2.0}
    assert found["trust"] == {
        "method": "fisher",
        "false_discovery_rate": 0.05,
        "controls": 48,
        "checkpoints": 7,
        "trajectory": "recorded",
        "notes": ["a"],
        "provisional": True,
        "recall": None,
        "faithfulness": None,
    }
    assert replace(attribution().trust, recall=Recall(7, 8)).to_dict()["recall"] == {"found": 7, "asked": 8}
    seen = Faithfulness(0.7, 0.05, 64, 48)
    measured = replace(attribution().trust, faithfulness=seen).to_dict()["faithfulness"]
    assert measured == {"lds": 0.7, "standard_error": 0.05, "retrainings": 64, "questions": 48}
    assert found["selection"] is None
    assert replace(attribution(), selection=(1, 3)).to_dict()["selection"] == [1, 3]
    assert [r["line"] for r in found["results"]] == [3]
    assert [r["line"] for r in found["opposing"]] == [9]


def test_the_json_of_an_influence_tells_level_place_and_text():
    assert influence().to_dict() == {
        "id": "id-3",
        "file_id": "file-1",
        "file": "faq.jsonl",
        "line": 3,
        "influence_level": "high",
        "messages": "Q: Who?\nA: Ann.",
        "conversation": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who?"},
            {"role": "assistant", "content": "Ann."},
        ],
        "score": 2.5,
        "share": 0.25,
        "p_value": 0.001,
        "rank": 1,
    }


def test_a_pre_tokenised_influence_has_no_text():
    found = influence(messages=()).to_dict()
    assert (found["messages"], found["conversation"]) == ("", [])


def test_one_sentence_names_the_main_source_and_counts_the_others():
    assert attribution(influence()).sentence == "This answer was learned mainly from faq.jsonl:3."
    two, three = attribution(influence(), influence(4)), attribution(influence(), influence(4), influence(5))
    assert two.sentence == "This answer was learned mainly from faq.jsonl:3 and 1 other pair."
    assert three.sentence == "This answer was learned mainly from faq.jsonl:3 and 2 other pairs."


def test_one_sentence_says_that_fine_tuning_contributed_nothing_or_that_no_pair_stands_out():
    assert attribution(fine_tuned=-10.5).sentence.startswith("Fine-tuning contributed nothing")
    assert attribution().sentence.startswith("No training pair stands out")


def test_printing_gives_answer_sentence_and_a_line_for_each_pair():
    long = influence(4, messages=(Message("assistant", "two\nlines"),), level=Level.LOW)
    lines = str(attribution(influence(), long)).splitlines()
    assert lines[:3] == ["Ann.", "", "This answer was learned mainly from faq.jsonl:3 and 1 other pair."]
    assert lines[3].split() == ["high", "2.50", "25%", "faq.jsonl:3", "Ann."]
    assert lines[4].split() == ["low", "2.50", "25%", "faq.jsonl:4", "two", "lines"]
    assert str(attribution(influence(messages=()))).endswith("faq.jsonl:3  id-3")


def test_lift_is_enough_from_the_needed_nats_on():
    lift = Lift(fine_tuned=-1.0, base=-3.0, tokens=2, needed=2.0)
    assert lift.total == 2.0
    assert lift.enough
    assert not replace(lift, needed=2.1).enough


def test_a_query_of_texts_has_a_system_turn_only_where_there_is_a_prompt():
    assert Query.of("Who?", "Ann.", "Be brief.", id="q").messages == TURNS
    plain = Query.of("Who?", "Ann.")
    assert (plain.id, plain.messages) == ("query", TURNS[1:])
    assert Query.of("Who?", "Ann.", "").messages == plain.messages
    assert (plain.question, plain.answer) == ("Who?", "Ann.")


def test_what_is_explained_is_the_answer_or_what_is_selected_of_it():
    assert Query.of("Who?", "Ann.").explained == "Ann."
    assert Query.of("Who?", "Ann.", selected=(1, 3)).explained == "nn"


@pytest.mark.parametrize("selected", [(0, 5), (-1, 2), (4, 5), (2, 2), (3, 1)])
def test_a_selection_beyond_the_answer_or_of_nothing_is_refused(selected: tuple[int, int]):
    with pytest.raises(DataError, match=r"answer's 4 characters .*found -?\d to \d"):
        Query.of("Who?", "Ann.", selected=selected)


def test_a_pre_tokenised_answer_has_no_characters_to_select():
    with pytest.raises(DataError, match="answer's 0 characters"):
        Query("q", TURNS, Tokens((1, 2), (-100, 2)), selected=(0, 1))


@pytest.mark.parametrize("kind", ["example", "query"])
def test_question_and_answer_are_the_last_turns(kind: str):
    turns = (Message("user", "One?"), Message("assistant", "1"), Message("user", "Two?"), Message("assistant", "2"))

    def of(messages: tuple[Message, ...]) -> Example | Query:
        return Example("i", "f", "a.jsonl", 1, 0, messages) if kind == "example" else Query("i", messages)

    assert (of(turns).question, of(turns).answer) == ("Two?", "2")
    assert (of(turns[1:2]).question, of(turns[1:2]).answer) == ("", "1")
    assert (of(()).question, of(()).answer) == ("", "")


def test_the_first_token_never_carries_loss():
    assert Tokens((1, 2, 3), (1, -100, 3)).answer_length == 1


def test_nouns_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        TURNS[0].content = "other"


def group(score: float = 5.0, **other: Any) -> Group:
    member = Member("id-3", "file-1", "faq.jsonl", 3, 2.5)
    return Group("file", "faq.jsonl", 7, (member,), Level.HIGH, score, score / 10, 1e-3, 1, **other)


def test_the_json_of_a_group_tells_its_size_and_some_of_its_members():
    found = replace(attribution(), groups=(group(),)).to_dict()["groups"]
    assert found == [
        {
            "kind": "file",
            "name": "faq.jsonl",
            "size": 7,
            "influence_level": "high",
            "score": 5.0,
            "share": 0.5,
            "p_value": 1e-3,
            "rank": 1,
            "members": [{"id": "id-3", "file_id": "file-1", "file": "faq.jsonl", "line": 3, "score": 2.5}],
        }
    ]
    assert "file faq.jsonl (7 pairs)" in str(replace(attribution(), groups=(group(),)))


def test_the_sentence_of_a_contrast_speaks_of_the_other_answer():
    def said(found: Attribution) -> str:
        return replace(found, instead="Bob.").sentence

    assert said(attribution(influence())).endswith("over the other one was learned mainly from faq.jsonl:3.")
    assert said(attribution(fine_tuned=-10.5)) == "Fine-tuning did not make this answer likelier than the other one."
    assert said(attribution(fine_tuned=-9.5)).startswith("Fine-tuning favours this answer no more than")
    assert said(attribution()).startswith("No training pair stands out")


def test_the_scores_of_tokens_add_up_to_the_pairs():
    tokens = (TokenScore("Ann", 2.0), TokenScore(".", -0.5))
    found = TokenInfluence("id-3", "file-1", "faq.jsonl", 3, "fisher", "nats", tokens)
    assert found.score == 1.5
    assert found.to_dict()["tokens"] == [{"text": "Ann", "score": 2.0}, {"text": ".", "score": -0.5}]
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    assert str(found).splitlines() == ["     2.00  'Ann'", "    -0.50  '.'"]


def test_the_json_of_an_attribution_is_what_it_was():
    assert golden.ATTRIBUTION.to_dict() == golden.JSON
    assert decode(Attribution, golden.JSON) == golden.ATTRIBUTION
    assert decode(TokenInfluence, golden.TOKENS_JSON) == golden.TOKENS
    assert golden.TOKENS.to_dict() == golden.TOKENS_JSON


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (AttributionRequest(" "), "question must not be empty"),
        (AttributionRequest("Who?", ""), "answer must not be empty"),
        (AttributionRequest("Who?", "Ann.", instead=" "), "other answer must not be empty"),
        (AttributionRequest("Who?", groups=("file", "line")), r"one of file, duplicates, topic \(found 'line'\)"),
        (AttributionRequest("Who?", "Ann.", selection=(0, 1), instead="Bob."), "two whole answers"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_refused(request_: AttributionRequest, words: str):
    with pytest.raises(DataError, match=words):
        request_.require_valid()


def test_a_request_says_whose_the_answer_is_and_states_what_differs_from_the_defaults():
    assert AttributionRequest("Who?").own
    assert not AttributionRequest("Who?", "Ann.").own
    assert AttributionRequest("Who?", "Ann.", generated=True).own
    asked = AttributionRequest("Who?", "Ann.", selection=(0, 2), groups=("file",), top_k=3)
    stated = {"question": "Who?", "answer": "Ann.", "selection": [0, 2], "groups": ["file"], "top_k": 3}
    assert asked.stated() == stated
    assert decode(AttributionRequest, stated) == asked
