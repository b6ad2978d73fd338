import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.core.projection import Projection, columns_of, side_of, signs

SHAPES = {"a": (6, 4), "b": (3, 8), "c": (5, 5)}


def gradients(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(1, *shape, generator=generator) for name, shape in SHAPES.items()}


def sketch(found: dict[str, torch.Tensor], side: int, seed: int) -> torch.Tensor:
    parts = (Projection.of(name, SHAPES[name], side, seed).dense(g).flatten() for name, g in found.items())
    return torch.stack(list(parts)).sum(0)


@pytest.mark.parametrize("side", [2, 5])
def test_inner_products_of_sketches_are_unbiased(side: int):
    g, h = gradients(0), gradients(1)
    h = {name: h[name] + g[name] for name in h}
    exact = float(sum((g[name] * h[name]).sum() for name in g))
    found = torch.stack([sketch(g, side, seed) @ sketch(h, side, seed) for seed in range(300)])
    error = float(found.std()) / math.sqrt(len(found))
    assert abs(float(found.mean()) - exact) < 3 * error
    assert error < abs(exact) / 6  # else the line above would say nothing


def test_wider_sketches_estimate_better():
    g = gradients(0)
    spread = [torch.stack([sketch(g, side, seed).norm() for seed in range(60)]).std() for side in (2, 4, 8)]
    assert spread[0] > spread[1] > spread[2]


@settings(max_examples=20)
@given(
    st.integers(1, 3), st.integers(1, 5), st.integers(1, 7), st.integers(1, 7), st.integers(1, 4), st.integers(0, 99)
)
def test_both_forms_equal_the_written_out_sums(rows: int, tokens: int, out: int, inner: int, side: int, seed: int):
    projection = Projection.of("layer", (out, inner), side, seed)
    generator = torch.Generator().manual_seed(seed)
    backward = torch.randn(rows, tokens, out, generator=generator)
    forward = torch.randn(rows, tokens, inner, generator=generator)
    expected = torch.zeros(rows, projection.left.shape[1], projection.right.shape[1])
    assert projection.width == side * side
    for b, o, i in product(range(rows), range(out), range(inner)):
        entry = float(backward[b, :, o] @ forward[b, :, i])
        expected[b] += entry * torch.outer(projection.left[o], projection.right[i])
    gradient = torch.einsum("bto,bti->boi", backward, forward)
    torch.testing.assert_close(projection.dense(gradient), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(projection.factored(backward, forward), expected, rtol=1e-4, atol=1e-5)


def test_a_projection_depends_on_name_shape_side_and_seed_alone():
    first = Projection.of("x", (8, 8), 8, 0)
    others = [
        Projection.of("y", (8, 8), 8, 0),
        Projection.of("x", (8, 9), 8, 0),
        Projection.of("x", (8, 8), 8, 1),
    ]
    again = Projection.of("x", (8, 8), 8, 0)
    assert torch.equal(first.left, again.left)
    assert torch.equal(first.right, again.right)
    assert not any(torch.equal(first.left @ first.left.T, o.left @ o.left.T) for o in (others[0], others[2]))
    assert not torch.equal(first.right, others[1].right[:8])


def test_the_two_sides_of_a_square_layer_are_independent():
    projection = Projection.of("x", (8, 8), 8, 0)
    assert not torch.equal(projection.left, projection.right)


@pytest.mark.parametrize(
    ("shape", "columns"),
    [((576, 16), (256, 16)), ((16, 576), (16, 256)), ((512, 9), (256, 16)), ((8, 8), (512, 8)), ((64, 99), (64, 64))],
)
def test_a_narrow_side_of_a_layer_is_kept_whole(shape: tuple[int, int], columns: tuple[int, int]):
    assert columns_of(shape, 64) == columns
    projection = Projection.of("x", shape, 64, 0)
    kept = projection.right if shape[1] <= shape[0] else projection.left
    if min(shape) < 64:
        torch.testing.assert_close(kept @ kept.T, torch.eye(min(shape)))


def test_a_sketch_that_keeps_the_narrow_side_estimates_better():
    generator = torch.Generator().manual_seed(0)
    g, h = torch.randn(2, 1, 64, 4, generator=generator)

    def spread(right: bool) -> float:
        found = []
        for seed in range(200):
            made = Projection.of("x", (64, 4), 16, seed)
            if not right:
                made = Projection(signs("l", 64, 16, seed), signs("r", 4, 16, seed))
            found.append((made.dense(g) * made.dense(h)).sum())
        return float(torch.stack(found).std())

    assert spread(right=True) < 0.8 * spread(right=False)


def test_making_a_projection_leaves_the_random_numbers_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    signs("x", 4, 4, 0)
    assert torch.equal(torch.rand(1), expected)


def test_signs_have_columns_of_length_one_in_the_mean_and_only_two_values():
    found = signs("x", 64, 16, 0)
    assert set(found.flatten().tolist()) == {-0.25, 0.25}
    torch.testing.assert_close(found.norm(dim=1), torch.ones(64))
    assert abs(float(found.mean())) < 0.05


def test_signs_stay_what_they_were_so_that_an_old_index_can_still_be_asked():
    assert (signs("model.layers.0", 2, 8, 0) > 0).int().tolist() == [
        [1, 0, 1, 1, 0, 1, 0, 0],
        [1, 1, 0, 1, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize(("width", "side"), [(1, 1), (4, 2), (1024, 32), (4096, 64), (10**16, 10**8)])
def test_the_side_of_a_square_width(width: int, side: int):
    assert side_of(width) == side


@pytest.mark.parametrize("width", [-4, -1, 0, 2, 15, 4097, 10**16 + 1])
def test_a_width_that_is_no_square_is_refused(width: int):
    with pytest.raises(ValueError, match=f"perfect square.*found {width}"):
        side_of(width)
