import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whence.context.split import paragraphs, sentences, split
from whence.errors import DataError

TEXTS = st.text(st.sampled_from(list("aA1 \n\r\t.!?…。！」\"')-*IDr")), max_size=60) | st.text(max_size=60)


def texts(pieces) -> list[str]:
    return [piece.text for piece in pieces]


@pytest.mark.parametrize("granularity", ["sentence", "paragraph"])
@given(text=TEXTS)
@example(text="\r\n \x1c a\u2028b. \u3000C")
def test_the_pieces_and_the_white_space_between_them_are_the_text(granularity, text: str):
    at, rebuilt = 0, ""
    for piece in split(text, granularity):
        gap = text[at : piece.offset]
        assert not gap.strip()
        assert piece.text
        assert piece.text == piece.text.strip()
        rebuilt += gap + piece.text
        at = piece.stop
        assert rebuilt == text[:at]
    assert not text[at:].strip()


@pytest.mark.parametrize(
    "parts",
    [
        ["It rains.", "It pours!", "Does it?", "It does…", "Well"],
        ["Dr. J. R. Smith paid $3.50.", "He left at 5 p.m.", "The shop, e.g. the U.S. one, was shut."],
        ["The U.S. President met Ph.D. students.", "One has a Ph.D.", "He is 5."],
        ["Take vitamin C.", "It helps.", "Plan B.", "Then rest."],
        ["See Fig. 3 and No. 5.", "No.", "It is not.", "We met on Jan. 5 in St. Ives."],
        ["Smith et al. (2020) wrote it.", "Acme Inc. Europe paid.", "So did Beta Ltd.", "They agreed."],
        ['He said "Go."', "Then he left.", '"Why?" he asked.', '"Go!"', "(See above.)", "“Yes.”", "End."],
        ["Wait... and see.", "Really?!", "Yes!", "Version 1.2.3 is on www.example.com.", "Run main.py."],
        ["**Bold.**", "*Slanted.*", "Plain."],
    ],
)
def test_sentences_of_spaced_languages(parts: list[str]):
    assert texts(sentences(" ".join(parts))) == parts


@pytest.mark.parametrize(
    "parts",
    [
        ["これは文です。", "次は？", "はい！", "とても。", "終"],
        ["「行く。」と言った。", "「はい。」", "彼は来た。"],
        ["他说：“好。”", "然后走了！！", "对吗？"],
    ],
)
def test_sentences_of_languages_without_spaces(parts: list[str]):
    assert texts(sentences("".join(parts))) == parts


def test_devanagari_and_arabic_stops_end_sentences():
    assert texts(sentences("यह है। वह है। هل هذا؟ نعم۔ ok")) == ["यह है।", "वह है।", "هل هذا؟", "نعم۔", "ok"]


def test_items_of_a_list_are_sentences_and_keep_their_markers():
    text = "You need:\n- apples\n- pears. Ripe ones\n* nuts\n1. Wash them.\n 2. Dry them\na) eat\n(b) rest"
    expected = ["You need:", "- apples", "- pears.", "Ripe ones", "* nuts", "1. Wash them.", "2. Dry them", "a) eat"]
    assert texts(sentences(text)) == [*expected, "(b) rest"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028"])
def test_a_wrapped_line_goes_on_but_a_blank_one_ends(end: str):
    assert texts(sentences(f"A wrapped line{end}goes on. Title{end}Next{end}{end}small")) == [
        f"A wrapped line{end}goes on.",
        "Title",
        "Next",
        "small",
    ]


def test_offsets_count_characters_of_the_text():
    text = "  Ünï 🙂. Zwei.\n\n drei "
    for piece in sentences(text):
        assert text[piece.offset : piece.stop] == piece.text
    assert [piece.offset for piece in sentences(text)] == [2, 9, 17]


def test_paragraphs_are_what_blank_lines_part():
    assert texts(paragraphs("a. A\nb\n\n c\r\n \r\nd\n\n\n\ne")) == ["a. A\nb", "c", "d", "e"]


def test_paragraphs_are_lines_where_no_line_is_blank():
    assert texts(paragraphs("\n\na b. C\r\nd\ne\n\n")) == ["a b. C", "d", "e"]


@pytest.mark.parametrize("text", ["", " \n\t\r\n "])
def test_nothing_has_no_pieces(text: str):
    assert sentences(text) == paragraphs(text) == ()


def test_long_white_space_and_runs_of_stops_take_no_time():
    text = ("a" + " " * 50_000 + "." * 50_000 + "\n" * 50_000) * 3
    assert len(sentences(text)) == len(paragraphs(text)) == 3


def test_another_granularity_is_refused():
    with pytest.raises(DataError, match="sentence or paragraph"):
        split("text", "word")  # type: ignore[arg-type]
