"""Against a dense solve."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from whence.core.conjugate import Product, solve


def positive(width: int, condition: float, seed: int = 0) -> Tensor:
    """A positive definite matrix with eigenvalues from 1 to `condition`."""
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64))[0]
    return vectors @ torch.logspace(0, torch.tensor(condition).log10().item(), width).double().diag() @ vectors.T


def sides(count: int, width: int, seed: int = 1) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def times(matrix: Tensor) -> Product:
    return lambda vectors: vectors @ matrix


def plain(vectors: Tensor) -> Tensor:
    return vectors


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(1, 4), st.sampled_from([1.0, 30.0, 1e4]))
def test_the_solution_is_that_of_a_dense_solve(width: int, count: int, condition: float):
    matrix, right = positive(width, condition), sides(count, width)
    found = solve(times(matrix), right, plain, 1e-10, 20 * width)
    wanted = torch.linalg.solve(matrix, right.T).T
    torch.testing.assert_close(found.vectors, wanted, rtol=1e-6, atol=1e-6 * float(wanted.abs().max()))
    assert bool((found.residuals <= 1e-10).all())


def test_no_more_products_are_needed_than_there_are_different_eigenvalues():
    matrix = positive(9, 1.0) + positive(9, 1.0, seed=2)[:, :1] @ positive(9, 1.0, seed=2)[:1, :]
    assert solve(times(matrix), sides(3, 9), plain, 1e-9, 50).products <= 2


def test_a_perfect_preconditioner_needs_one_product_and_a_good_one_fewer_than_none():
    matrix, right = positive(40, 1e4), sides(2, 40)
    inverse = torch.linalg.inv(matrix)
    assert solve(times(matrix), right, times(inverse), 1e-8, 50).products == 1
    near = torch.linalg.inv(matrix + 0.5 * torch.eye(40, dtype=torch.float64))
    counts = [solve(times(matrix), right, guess, 1e-8, 500).products for guess in (times(near), plain)]
    assert counts[0] * 3 < counts[1]


def test_sides_solved_together_are_solved_as_if_alone():
    matrix = positive(15, 100.0)
    right = sides(3, 15) * torch.tensor([[1e-6], [1.0], [1e6]], dtype=torch.float64)
    together = solve(times(matrix), right, plain, 1e-8, 100)
    for i in range(3):
        alone = solve(times(matrix), right[i : i + 1], plain, 1e-8, 100)
        torch.testing.assert_close(together.vectors[i], alone.vectors[0], rtol=1e-9, atol=0.0)


def test_it_stops_where_it_is_told_to_and_says_how_far_it_came():
    matrix, right = positive(30, 1e4), sides(1, 30)
    found = solve(times(matrix), right, plain, 1e-8, 5)
    assert found.products == 5
    left = (right - found.vectors @ matrix).norm() / right.norm()
    assert float(found.residuals[0]) == pytest.approx(float(left), rel=1e-6)
    assert left > 1e-8


def test_a_side_of_zeros_has_a_solution_of_zeros():
    right = torch.stack([torch.zeros(4), torch.ones(4)]).double()
    found = solve(times(positive(4, 10.0)), right, plain, 1e-10, 20)
    assert torch.equal(found.vectors[0], torch.zeros(4).double())
    assert bool(found.vectors.isfinite().all())
    assert solve(times(positive(4, 10.0)), right[:0], plain, 1e-10, 20).products == 0
