import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.core import similarity
from whence.core.similarity import inner_products, unit_rows


def random(rows: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def assert_exact(queries: torch.Tensor, rows: torch.Tensor) -> None:
    found = inner_products(queries, rows)
    expected = queries.double() @ rows.double().T
    size = queries.double().abs() @ rows.double().abs().T
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    assert bool(((found.double() - expected).abs() <= 1e-6 * size + 1e-30).all())


@pytest.mark.parametrize("width", [1, 7, 64, 1023, 4097])
@pytest.mark.parametrize("queries", [1, 2, 5])
def test_products_equal_those_in_float64(queries: int, width: int):
    assert_exact(random(queries, width, 0), random(37, width, 1).bfloat16())


@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(0, 40), st.integers(1, 9), st.integers(1, 200))
def test_the_size_of_the_pieces_does_not_matter(queries: int, rows: int, width: int, size: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "PIECE_BYTES", size)
        assert_exact(random(queries, width, 0), random(rows, width, 1).bfloat16())


def test_rows_of_more_than_one_piece():
    assert_exact(random(3, 1024, 0), random(similarity.PIECE_BYTES // 2048 + 5, 1024, 1).bfloat16())


def test_a_query_scores_alike_alone_and_among_others():
    queries, rows = random(6, 129, 0), random(50, 129, 1).bfloat16()
    together = inner_products(queries, rows)
    for i in range(6):
        torch.testing.assert_close(inner_products(queries[i : i + 1], rows)[0], together[i], rtol=1e-5, atol=1e-5)


def test_columns_of_wider_rows_may_be_searched():
    queries, wide = random(2, 16, 0), random(9, 48, 1).bfloat16()
    assert_exact(queries, wide[:, 16:32])


def test_queries_are_left_alone():
    queries, rows = random(2, 8, 0), random(4, 8, 1).bfloat16()
    before = queries.clone(), rows.clone()
    inner_products(queries, rows)
    assert torch.equal(queries, before[0])
    assert torch.equal(rows, before[1])


@given(st.integers(-30, 30))
def test_unit_rows_have_length_one_however_small_they_were(power: int):
    rows = random(5, 33, 0)
    found = unit_rows(rows * 10.0**power)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(found, rows / rows.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-6)


def test_a_row_of_zeros_stays_zero():
    assert torch.equal(unit_rows(torch.zeros(2, 4)), torch.zeros(2, 4))
