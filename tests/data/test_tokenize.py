from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from tests.tiny import tiny_tokenizer
from whence.data.text import TextError
from whence.data.tokenize import TooLong, fit, tokenize, tokenize_all
from whence.errors import DataError, ModelError
from whence.types import NO_LOSS, Message, Query, Tokens

from .conftest import CHATML

Make = Callable[[str | None], PreTrainedTokenizerFast]


def carrying(tokens: Tokens, tokenizer: PreTrainedTokenizerFast) -> str:
    """The text that carries loss."""
    assert all(label in (NO_LOSS, token) for token, label in zip(tokens.input_ids, tokens.labels, strict=True))
    return tokenizer.decode([label for label in tokens.labels if label != NO_LOSS])


def test_the_answer_and_its_end_of_turn_carry_loss_but_not_the_newline(tokenizer: Any) -> None:
    tokens = tokenize(Query.of("why?", "so.\n", "be brief"), tokenizer)
    assert carrying(tokens, tokenizer) == "so.\n<|im_end|>"
    whole = tokenizer.decode(tokens.input_ids)
    assert whole.startswith("<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nwhy?")
    assert whole.endswith("<|im_end|>\n")


def test_earlier_answers_carry_no_loss(tokenizer: Any) -> None:
    pair = Query.of("one", "two").messages
    assert carrying(tokenize(Query("x", pair + pair), tokenizer), tokenizer) == "two<|im_end|>"


@pytest.mark.parametrize("answer", ["naïve 日本 🙂", "🙂", " y", "  spaced  ", "\n\nlines"])
def test_characters_of_several_tokens_are_split_right(tokenizer: Any, answer: str) -> None:
    assert carrying(tokenize(Query.of("日本?", answer), tokenizer), tokenizer) == answer + "<|im_end|>"


def test_a_token_that_straddles_the_boundary_carries_loss(make_tokenizer: Make) -> None:
    template = (
        "{% for m in messages %}{{ 'Q: ' if m.role == 'user' else ' A: ' }}{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}{{ ' A: ' }}{% endif %}"
    )
    tokenizer = make_tokenizer(template)
    assert carrying(tokenize(Query.of("q", "yes"), tokenizer), tokenizer) == " yes"


class Slow:
    """A tokenizer that keeps no offsets."""

    is_fast = False

    def __init__(self, fast: PreTrainedTokenizerFast) -> None:
        self.fast, self.chat_template, self.eos_token = fast, fast.chat_template, fast.eos_token
        self.apply_chat_template = fast.apply_chat_template

    def __call__(self, text: str, **options: Any) -> Any:
        assert "return_offsets_mapping" not in options
        return self.fast(text, **options)


@pytest.mark.parametrize("template", [CHATML, None, CHATML.replace("assistant\n", "assistant ")])
def test_tokenizers_without_offsets_give_the_same(make_tokenizer: Make, template: str | None) -> None:
    fast = make_tokenizer(template)
    if template != CHATML and template:
        fast.chat_template = "{% for m in messages %}{{ m.role + ' ' + m.content }}{% endfor %}" + (
            "{% if add_generation_prompt %}{{ 'assistant ' }}{% endif %}"
        )
    query, slow = Query.of("why", "yes, so"), Slow(fast)
    assert tokenize(query, slow) == tokenize(query, fast)  # type: ignore[arg-type]


def test_without_a_chat_template_the_text_is_plain(make_tokenizer: Make) -> None:
    tokenizer = make_tokenizer(None)
    tokens = tokenize(Query.of("why?", "yes.", "Be brief."), tokenizer)
    assert tokenizer.decode(tokens.input_ids) == "Be brief.\nQuestion: why?\nAnswer: yes.<|im_end|>"
    assert carrying(tokens, tokenizer) == " yes.<|im_end|>"


def test_a_template_that_rewrites_the_prompt_is_a_model_error(make_tokenizer: Make) -> None:
    rewriting = "{{ messages | length }}" + CHATML
    with pytest.raises(ModelError, match="rewrites it"):
        tokenize(Query.of("q", "a"), make_tokenizer(rewriting))


def test_a_template_that_drops_the_answer_is_a_model_error(make_tokenizer: Make) -> None:
    with pytest.raises(ModelError, match="no token of it"):
        tokenize(Query.of("q", "a"), make_tokenizer("{{ messages[0].content }}"))


def test_a_conversation_that_the_template_refuses_does_not_stop_the_others(make_tokenizer: Make) -> None:
    picky = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHATML
    good, bad = Query.of("q", "a"), Query.of("q", "a", "system")
    first, refused, last = tokenize_all([good, bad, good], make_tokenizer(picky))
    assert first == last
    assert isinstance(refused, TextError)
    assert "no system" in str(refused)


@pytest.mark.parametrize("roles", [[], ["assistant"], ["user"], ["assistant", "user"]])
def test_a_conversation_must_end_in_an_answer_to_something(tokenizer: Any, roles: list[Any]) -> None:
    with pytest.raises(DataError, match="end in an assistant's answer"):
        tokenize(Query("x", tuple(Message(role, "text") for role in roles)), tokenizer)


def test_a_lone_surrogate_is_a_data_error(tokenizer: Any) -> None:
    with pytest.raises(DataError, match="surrogate"):
        tokenize(Query.of("\ud800", "a"), tokenizer)


def test_tokens_that_an_item_brings_are_taken_as_they_are(tokenizer: Any) -> None:
    tokens = Tokens((5, 6, 7), (-100, 6, 7))
    assert tokenize(Query("x", (), tokens), tokenizer) == tokens
    with pytest.raises(TooLong):
        tokenize(Query("x", (), tokens), tokenizer, max_length=2)


def test_too_long_says_how_long(tokenizer: Any) -> None:
    length = len(tokenize(Query.of("q", "a"), tokenizer).input_ids)
    assert tokenize(Query.of("q", "a"), tokenizer, max_length=length)
    with pytest.raises(TooLong, match=f"longer than {length - 1} tokens .found {length} tokens.") as caught:
        tokenize(Query.of("q", "a"), tokenizer, max_length=length - 1)
    assert (caught.value.length, caught.value.max_length) == (length, length - 1)


def made(prompt: int, answer: int) -> Tokens:
    ids = tuple(range(prompt + answer))
    return Tokens(ids, (-100,) * prompt + ids[prompt:])


@pytest.mark.parametrize(
    ("prompt", "answer", "limit", "kept"),
    [
        (6, 4, 8, (2, 3, 4, 5, 6, 7, 8, 9)),  # the prompt loses its beginning
        (6, 10, 8, (4, 5, 6, 7, 8, 9, 10, 11)),  # but keeps a quarter, and the answer loses its end
        (1, 10, 8, (0, 1, 2, 3, 4, 5, 6, 7)),
        (6, 4, 2, (5, 6)),
    ],
)
def test_truncation_takes_from_the_prompt_first(prompt: int, answer: int, limit: int, kept: Any) -> None:
    assert fit(made(prompt, answer), limit, True).input_ids == kept


@given(st.integers(1, 50), st.integers(1, 50), st.integers(2, 60))
def test_truncation_fits_and_keeps_the_start_of_the_answer(prompt: int, answer: int, limit: int) -> None:
    tokens = fit(made(prompt, answer), limit, True)
    assert len(tokens.input_ids) == len(tokens.labels) == min(limit, prompt + answer)
    assert tokens.labels[0] == NO_LOSS
    assert next(label for label in tokens.labels if label != NO_LOSS) == prompt


def test_a_limit_of_one_token_is_refused() -> None:
    with pytest.raises(DataError, match="room"):
        fit(made(3, 3), 1, True)


def test_an_answer_that_was_cut_off_has_no_closing_token():
    tokenizer = tiny_tokenizer()
    whole, cut = (tokenize(Query.of("Why?", "Because it", ended=ended), tokenizer) for ended in (True, False))
    assert whole.input_ids[: len(cut.input_ids) + 1] == (*cut.input_ids, tokenizer.eos_token_id)
    assert whole.answer_length == cut.answer_length + 1


def selecting(answer: str, start: int, end: int, tokenizer: Any) -> str:
    return carrying(tokenize(Query.of("why?", answer, selected=(start, end)), tokenizer), tokenizer)


@given(st.text("aé日🙂 y", min_size=1, max_size=12).filter(str.strip), st.data())
def test_a_selection_carries_loss_where_its_characters_do(make_tokenizer: Make, answer: str, data: Any) -> None:
    tokenizer = make_tokenizer(CHATML)
    start = data.draw(st.integers(0, len(answer) - 1))
    end = data.draw(st.integers(start + 1, len(answer)))
    found = selecting(answer, start, end, tokenizer)
    assert answer[start:end] in found
    # The one token of two characters is " y": half of it brings the other half.
    assert found in {answer[max(start - a, 0) : end + b] for a in (0, 1) for b in (0, 1)}


def test_half_a_token_selected_counts_as_all_of_it(make_tokenizer: Make) -> None:
    tokenizer = make_tokenizer(CHATML)
    assert selecting("so yes", 3, 6, tokenizer) == " yes"
    assert selecting("so yes", 0, 3, tokenizer) == "so y"
    assert selecting("so yes", 0, 2, tokenizer) == "so"


def test_the_closing_token_is_part_of_no_selection(tokenizer: Any) -> None:
    assert selecting("because", 0, 7, tokenizer) == "because"
    trimming = (
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content | trim + '<|im_end|>\n' }}{% endfor %}"
    )
    tokenizer.chat_template, own = trimming + CHATML[CHATML.index("{% if") :], tokenizer.chat_template
    assert selecting("\n so. ", 3, 6, tokenizer) == "o."
    with pytest.raises(TextError, match="must touch a token of the answer"):
        selecting("so. ", 3, 4, tokenizer)
    tokenizer.chat_template = own


def test_selections_after_one_another_carry_what_the_whole_does(tokenizer: Any) -> None:
    answer = " naïve 日本 🙂.\n"
    parts = [selecting(answer, i, i + 1, tokenizer) for i in range(len(answer))]
    assert "".join(parts) == answer == selecting(answer, 0, len(answer), tokenizer)


def test_a_selection_needs_the_places_of_tokens(make_tokenizer: Make) -> None:
    with pytest.raises(TextError, match="knows the place of each token"):
        tokenize(Query.of("why", "so", selected=(0, 1)), Slow(make_tokenizer(CHATML)))  # type: ignore[arg-type]


def test_a_selection_in_an_answer_that_the_template_changes_is_refused(make_tokenizer: Make) -> None:
    shouting = make_tokenizer(CHATML.replace("m.content", "m.content | upper"))
    with pytest.raises(TextError, match="shows unchanged"):
        tokenize(Query.of("why?", "so", selected=(0, 1)), shouting)
