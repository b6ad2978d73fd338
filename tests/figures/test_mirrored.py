import random
from itertools import pairwise

import pytest

from tests.figures.vegalite import assert_valid
from whence.figures.mirrored import rebinned, shared_edges, specification
from whence.types import Distribution

ONE = Distribution((-1.0, -0.5, 0.0, 0.5, 1.0, 1.5), (1, 20, 30, 4, 2), (1.0, 25.0, 28.0, 3.0, 0.0), "nats")
OTHER = Distribution((-2.0, 0.0, 2.0, 4.0), (9, 47, 1), (8.0, 48.0, 1.0), "nats")


def test_the_specification_is_sound_vega_lite():
    assert_valid(specification(ONE, OTHER, ("Ant.", "Bee.")))


def test_one_answer_goes_left_and_the_other_right_in_the_same_bins():
    rows = specification(ONE, OTHER, ("Ant.", "Bee."))["data"]["values"]
    left, right = ([r for r in rows if r["answer"] == name] for name in ("Ant.", "Bee."))
    assert [(r["lo"], r["hi"]) for r in left] == [(r["lo"], r["hi"]) for r in right] == [(-2, 0), (0, 2), (2, 4)]
    assert ([r["signed"] for r in left], [r["signed"] for r in right]) == ([-21, -36, 0], [9, 47, 1])
    assert [r["count"] for r in left] == [21, 36, 0]
    assert [r["expected"] for r in left] == [-26, -31, 0]


def test_a_bin_that_is_pointed_at_tells_its_ends_and_the_pairs_of_both():
    pointing = specification(ONE, OTHER, ("Ant.", "Bee."))["layer"][-1]
    assert [(param["name"], param["select"]["fields"]) for param in pointing["params"]] == [("bin", ["lo", "hi"])]
    assert pointing["data"]["values"] == [
        {"lo": -2, "hi": 0, "left": 21, "right": 9},
        {"lo": 0, "hi": 2, "left": 36, "right": 47},
        {"lo": 2, "hi": 4, "left": 0, "right": 1},
    ]


@pytest.mark.parametrize("seed", range(20))
def test_shared_bins_count_what_counting_the_scores_in_them_counts(seed: int):
    rng = random.Random(seed)
    made: list[tuple[Distribution, list[float]]] = []
    for width in (2.0 ** rng.randint(-4, 4), 2.0 ** rng.randint(-4, 4)):
        first, last = -rng.randint(0, 9), rng.randint(1, 9)
        edges = [place * width for place in range(first, last + 1)]
        scores = [rng.uniform(edges[0], edges[-1]) for _ in range(50)]
        counts = [sum(lo <= s < hi for s in scores) for lo, hi in pairwise(edges)]
        made.append((Distribution(tuple(edges), tuple(counts), tuple(map(float, counts)), "nats"), scores))
    edges = shared_edges(made[0][0], made[1][0])
    for spread, scores in made:
        expected = [sum(lo <= s < hi for s in scores) for lo, hi in pairwise(edges)]
        assert rebinned(spread, spread.counts, edges) == expected
        assert sum(expected) == 50
