from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import tiny_tokenizer
from whence.data.token_text import answer_pieces
from whence.data.tokenize import tokenize
from whence.types import Query, Tokens

TOKENIZER = tiny_tokenizer()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_the_pieces_of_an_answer_make_it_up_and_the_end_of_the_turn_is_named(answer: str):
    pieces = answer_pieces(tokenize(Query.of("Who?", answer), TOKENIZER), TOKENIZER)
    assert "".join(pieces) == answer + "<|im_end|>"
    assert pieces[-1] == "<|im_end|>"


def test_a_character_of_several_tokens_is_told_with_the_last_of_them():
    found = answer_pieces(tokenize(Query.of("Who?", "€5", ended=False), TOKENIZER), TOKENIZER)
    assert found == ["", "", "€", "5"]


def test_only_tokens_with_loss_have_a_piece():
    tokens = tokenize(Query.of("Who?", "Anna"), TOKENIZER)
    start = next(t for t, label in enumerate(tokens.labels) if label != -100)
    labels = tuple(label if t != start + 1 else -100 for t, label in enumerate(tokens.labels))
    assert answer_pieces(Tokens(tokens.input_ids, labels), TOKENIZER) == ["A", "n", "a", "<|im_end|>"]
    assert answer_pieces(Tokens((1, 2), (-100, -100)), TOKENIZER) == []
