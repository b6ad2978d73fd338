import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from whence.core.ridge import damping_of, fit_fisher, gram_of, in_span, second_moment, whiten_in_span

CASES = (st.integers(1, 12), st.integers(1, 12), st.sampled_from([1e-3, 0.1, 10.0]), st.integers(-3, 3))


def rows_of(count: int, width: int, power: int = 0, seed: int = 0) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) * 10.0**power


def written_out(rows: Tensor, relative: float) -> Tensor:
    """P (P^T P + d I)^-1 by an explicit inverse, d relative to the mean of the non-zero eigenvalues."""
    wide = rows.double()
    fisher = wide.T @ wide
    mean = torch.linalg.eigvalsh(fisher).flip(0)[: min(rows.shape)].mean()
    return wide @ torch.linalg.inv(fisher + relative * mean * torch.eye(fisher.shape[0], dtype=torch.float64))


def primal(rows: Tensor, relative: float) -> Tensor:
    return fit_fisher(*second_moment([rows], rows.shape[1]), relative).apply(rows)


@settings(max_examples=40)
@given(*CASES)
def test_both_forms_equal_the_explicit_inverse(count: int, width: int, relative: float, power: int):
    rows = rows_of(count, width, power)
    expected = written_out(rows, relative).float()
    loose = {"rtol": 1e-3, "atol": 1e-3 * float(expected.abs().max())}
    torch.testing.assert_close(primal(rows, relative), expected, **loose)
    torch.testing.assert_close(whiten_in_span(rows, relative), expected, **loose)


@settings(max_examples=40)
@given(*CASES)
def test_no_example_explains_more_than_all_of_itself(count: int, width: int, relative: float, power: int):
    rows = rows_of(count, width, power)
    hat = whiten_in_span(rows, relative).double() @ rows.double().T
    torch.testing.assert_close(hat, hat.T, rtol=1e-4, atol=1e-5)
    values = torch.linalg.eigvalsh((hat + hat.T) / 2)
    assert values.min() > -1e-5
    assert values.max() < 1


def test_applying_to_a_query_or_to_a_row_gives_the_same_product():
    rows, queries = rows_of(20, 6), rows_of(3, 6, seed=1)
    fisher = fit_fisher(*second_moment([rows], 6), 0.1)
    torch.testing.assert_close(fisher.apply(queries) @ rows.T, queries @ fisher.apply(rows).T)


def test_vanishing_damping_reproduces_a_linear_regression():
    rows, targets = rows_of(30, 5).double(), rows_of(30, 2, seed=1).double()
    expected = torch.linalg.lstsq(rows, targets).solution
    torch.testing.assert_close(primal(rows, 1e-9).T.double() @ targets, expected, rtol=1e-4, atol=1e-5)


def test_the_moment_is_summed_over_shards_of_any_size():
    rows = rows_of(23, 7).bfloat16()
    wide = rows.double()
    for size in (1, 5, 23):
        moment, count = second_moment(rows.split(size), 7)
        assert count == 23
        assert moment.dtype == torch.float64
        torch.testing.assert_close(moment, wide.T @ wide, rtol=1e-5, atol=1e-4)


def test_no_rows_at_all_give_an_empty_moment_that_can_be_factored():
    moment, count = second_moment([], 3)
    assert count == 0
    assert fit_fisher(moment, count, 0.1).apply(torch.zeros(2, 3)).equal(torch.zeros(2, 3))


def test_the_damping_is_relative_to_the_mean_eigenvalue():
    assert damping_of(trace=12.0, rank=4, relative=0.5) == pytest.approx(1.5)
    rows = rows_of(3, 8)
    few = fit_fisher(*second_moment([rows], 8), 0.1)
    assert few.damping == pytest.approx(0.1 * float(rows.pow(2).sum()) / 3, rel=1e-5)
    many = rows_of(50, 8)
    assert fit_fisher(*second_moment([many], 8), 0.1).damping == pytest.approx(0.1 * float(many.pow(2).sum()) / 8)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_rows_of_zeros_stay_zeros(shape: tuple[int, int]):
    zeros = torch.zeros(shape)
    assert torch.equal(primal(zeros, 0.1), zeros)
    assert torch.equal(whiten_in_span(zeros, 0.1), zeros)
    assert damping_of(0.0, 0, 0.1) > 0


@settings(max_examples=40)
@given(*CASES)
def test_the_unit_of_the_gradients_does_not_change_what_is_explained(
    count: int, width: int, relative: float, power: int
):
    rows = rows_of(count, width)
    scaled = rows * 2.0**power
    explained = [whiten_in_span(r, relative) @ r.T for r in (rows, scaled)]
    torch.testing.assert_close(explained[0], explained[1], rtol=1e-3, atol=1e-5)


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(8, 12), st.sampled_from([1e-3, 0.1, 10.0]), st.integers(-3, 3))
def test_in_the_rows_span_the_shortest_vector_gives_every_row_its_weight(
    count: int, width: int, relative: float, power: int
):
    rows, queries = rows_of(count, width, power), rows_of(2, width, power, seed=1)
    transformed = written_out(rows, relative)
    weights = (queries.double() @ transformed.T).float()
    found = in_span(gram_of(rows), weights, relative).double() @ transformed
    wanted = weights.double() @ torch.linalg.pinv(rows.double()).T
    # A hundredth of the damping stands between them, by the smallest eigenvalue at most.
    values = torch.linalg.eigvalsh(gram_of(rows))
    off = 0.011 * relative * float(values.mean() / values.min())
    assert float((found - wanted).norm()) <= (off + 1e-4) * float(wanted.norm())


def test_rows_that_repeat_each_other_have_a_span_all_the_same():
    rows = rows_of(3, 8).repeat(2, 1)
    transformed = written_out(rows, 0.1)
    weights = (rows[:2].double() @ transformed.T).float()
    found = in_span(gram_of(rows), weights, 0.1).double() @ transformed @ rows.double().T
    torch.testing.assert_close(found, weights.double(), rtol=0.05, atol=5e-3)
    assert in_span(torch.zeros(2, 2), torch.zeros(1, 2), 0.1).tolist() == [[0.0, 0.0]]


def test_a_gram_matrix_that_is_known_is_used():
    rows = rows_of(4, 9)
    torch.testing.assert_close(whiten_in_span(rows, 0.1, gram_of(rows)), whiten_in_span(rows, 0.1))


def test_the_matrix_is_what_is_applied():
    rows = rows_of(9, 4)
    fisher = fit_fisher(*second_moment([rows], 4), 0.1)
    torch.testing.assert_close(rows @ fisher.matrix(), fisher.apply(rows))
