import pytest

from tests.tiny import tiny_tokenizer
from whence.data.text import Text, answer_shown, answer_start, cut_off, narrowed, plain_text, text_to_explain
from whence.models.chat import plain_prompt
from whence.types import Message, Query


def test_the_plain_prompt_is_the_one_that_is_generated_from() -> None:
    pair = (Message("system", "s"), *Query.of("q", "a").messages, *Query.of("r", "b").messages)
    assert plain_text(pair, "").prompt == plain_prompt(pair[:-1])


@pytest.mark.parametrize("answer", ["end", "im", "so", "so, so", "<|im_end|> again"])
def test_an_answer_that_was_cut_off_ends_where_it_was(answer: str) -> None:
    text = text_to_explain(Query.of("end?", answer, ended=False), tiny_tokenizer())
    assert text.whole == text.prompt + answer


def test_what_a_template_writes_before_the_answer_is_not_the_answer() -> None:
    text = Text("Q", "Q<think></think>\nsoon.<end>")
    assert answer_start(text, "soon.") == len("Q<think></think>\n")
    assert cut_off(text, "soon.").whole == "Q<think></think>\nsoon."


def test_an_answer_that_the_template_changed_is_not_found_and_not_cut() -> None:
    text = Text("Q", "QSOON.<end>")
    assert answer_start(text, "soon.") is None
    assert cut_off(text, "soon.") == text


@pytest.mark.parametrize(
    ("whole", "shown"),
    [("Q so. <end>", " so. "), ("Qso.<end>", "so."), ("Q so.<end>", " so."), ("Qso. <end>", "so. ")],
)
def test_blanks_around_an_answer_belong_to_it_where_they_are_kept(whole: str, shown: str) -> None:
    text = Text("Q", whole)
    start = answer_start(text, " so. ")
    assert start is not None
    assert whole[slice(*answer_shown(text, " so. ", start))] == shown


def test_a_selection_is_placed_by_the_answers_own_characters() -> None:
    for whole in ("Q so, or so.<end>", "Qso, or so.<end>"):
        text = narrowed(Text("Q", whole), " so, or so.", (9, 11))
        assert text.selected is not None
        assert whole[slice(*text.selected)] == "o."
