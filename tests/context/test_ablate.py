import numpy as np
import pytest

from whence.context.ablate import ablated, draw
from whence.context.split import paragraphs, sentences

TEXT = " One. Two.\n\nThree. Four.\nFive.  "


def kept(*sources: int) -> np.ndarray:
    return np.isin(np.arange(5), sources)


def test_few_sources_are_left_out_in_every_way_once():
    masks = draw(5, 32, seed=0)
    assert len(masks) == len({tuple(row) for row in masks.tolist()}) == 32
    assert draw(1, 64, seed=3).tolist() == [[False], [True]]


def test_more_sources_are_kept_with_probability_a_half_each_by_itself():
    masks = draw(500, 256, seed=0)
    assert masks.shape == (256, 500)
    assert masks.mean() == pytest.approx(0.5, abs=0.01)
    assert np.abs(masks.mean(0) - 0.5).max() < 5 * 0.5 / 16
    together = np.corrcoef(masks[:, :50].T)
    assert np.abs(together - np.eye(50)).max() < 0.35


def test_the_seed_alone_decides_which():
    np.testing.assert_array_equal(draw(20, 64, seed=1), draw(20, 64, seed=1))
    assert (draw(20, 64, seed=1) != draw(20, 64, seed=2)).any()


def test_keeping_everything_gives_the_text_without_the_blanks_around_it():
    assert ablated(TEXT, sentences(TEXT), kept(0, 1, 2, 3, 4)) == TEXT.strip()


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ((), ""),
        ((3,), "Four."),
        ((0, 1), "One. Two."),
        ((0, 2), "One.\n\nThree."),  # the blank line stays a blank line
        ((1, 3, 4), "Two.\n\nFour.\nFive."),
        ((2, 4), "Three.\nFive."),
    ],
)
def test_what_is_left_out_leaves_the_widest_white_space(sources: tuple[int, ...], expected: str):
    assert ablated(TEXT, sentences(TEXT), kept(*sources)) == expected


def test_paragraphs_are_left_out_whole():
    pieces = paragraphs("a\nb\n\nc\n\nd")
    assert ablated("a\nb\n\nc\n\nd", pieces, np.array([True, False, True])) == "a\nb\n\nd"
